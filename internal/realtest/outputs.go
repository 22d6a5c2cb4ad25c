package realtest

import (
	"os"
	"strings"
)

// Outputs returns the outputs of a step, from the file that it wrote them to.
func Outputs(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	values := map[string]string{}
	for rest := string(text); rest != ""; {
		head, tail, _ := strings.Cut(rest, "\n")
		name, delimiter, _ := strings.Cut(head, "<<")
		value, after, _ := strings.Cut("\n"+tail, "\n"+delimiter+"\n")
		values[name], rest = strings.TrimPrefix(value, "\n"), after
	}
	return values, err
}
