package rsync

import (
	"fmt"
	"strings"
)

// The short options that an rsync passes on to the server for -rlt and for -a: servers that
// accept only a few commands know those. What follows "e." are the client's capabilities (see
// compatLetters). i is incremental recursion, which this package does not implement: a server that receives turns it off
// because of --delete-after, and ownPullShort leaves it out.
const (
	pushShort    = "-ltre.iLsfxCIvu"
	pullShort    = "-logDtpre.iLsfxCIvu"
	ownPullShort = "-logDtpre.LsfxCIvu"
)

// pullFields are those of a list that a server sends with pullShort.
var pullFields = listOptions{owner: true, group: true, devices: true, links: true}

// PushArgs returns the arguments of a server that receives files at a path: those of
// rsync -rlt --delete-after, with options on top of them, like --inplace.
func PushArgs(path string, options ...string) []string {
	args := append([]string{"--server", pushShort, "--delete-after"}, options...)
	return append(args, ".", path)
}

// PullArgs returns the arguments of a server that sends the files at paths, and ignores
// missing ones: with Protocol27 exactly those of rsync -a, else less one letter.
func PullArgs(version Protocol, paths ...string) []string {
	short := ownPullShort
	if version == Protocol27 {
		short = pullShort
	}
	return append([]string{"--server", "--sender", short, "--ignore-missing-args", "."}, paths...)
}

// Args are the arguments of a server.
type Args struct {
	Sender        bool
	Delete        bool
	InPlace       bool
	IgnoreMissing bool
	Paths         []string

	list         listOptions
	capabilities string // the client's, as letters
}

// ParseArgs reads the arguments of a server, without the program's name. Options that
// this package does not know are an error.
func ParseArgs(args []string) (a Args, err error) {
	if len(args) == 0 || args[0] != "--server" {
		return a, fmt.Errorf("only --server is supported")
	}
	for i, arg := range args[1:] {
		switch {
		case arg == "--sender":
			a.Sender = true
		case arg == "--delete-after":
			a.Delete = true
		case arg == "--inplace":
			a.InPlace = true
		case arg == "--ignore-missing-args":
			a.IgnoreMissing = true
		case strings.HasPrefix(arg, "--"):
			return a, fmt.Errorf("%s: unknown option", arg)
		case strings.HasPrefix(arg, "-"):
			if err := a.short(arg[1:]); err != nil {
				return a, err
			}
		case arg == ".":
			a.Paths = args[i+2:]
			if len(a.Paths) == 0 || len(a.Paths) > 1 && !a.Sender {
				return a, fmt.Errorf("%d paths are not supported here", len(a.Paths))
			}
			return a, nil
		default:
			return a, fmt.Errorf("%s: unexpected argument", arg)
		}
	}
	return a, fmt.Errorf("the path is missing")
}

// short reads letters up to e, behind which are the client's capabilities.
func (a *Args) short(letters string) error {
	letters, a.capabilities, _ = strings.Cut(letters, "e.")
	for _, c := range letters {
		switch c {
		case 'l':
			a.list.links = true
		case 'o':
			a.list.owner = true
		case 'g':
			a.list.group = true
		case 'D':
			a.list.devices = true
		case 't', 'p', 'r', 'v', 's':
		default:
			return fmt.Errorf("-%c: unknown option", c)
		}
	}
	return nil
}
