//go:build !linux

package rsync

func (r *receiver) sync(waiting []arrival) error { return r.syncEach(waiting) }
