//go:build !linux

package requests

// holes knows of none where the system does not say.
func holes(string) (int64, error) { return 0, nil }
