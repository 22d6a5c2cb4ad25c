package job

import "slices"

// Command is what a user asks for. The table of commands drives the flow, the
// command line and the documents.
type Command struct {
	Name string
	Help string

	Creates   bool // creates a request, unless one is given to continue
	Waits     bool // for the end of the upgrade
	Downloads bool
	// Fine lists the results that are not a failure of the command, unless an error
	// came with them.
	Fine []Result
}

// Commands returns the commands that end with a Result.
func Commands() []Command {
	return []Command{
		{
			Name:      "run",
			Help:      "Take a dump through the platform, or continue a request",
			Creates:   true,
			Waits:     true,
			Downloads: true,
			Fine:      []Result{Success},
		},
		{
			Name:    "start",
			Help:    "Like run, but only until the upgrade has started; does not wait",
			Creates: true,
			Fine:    []Result{Success, Pending},
		},
		{Name: "wait", Help: "Wait for a started request, and fail if its upgrade failed", Waits: true, Fine: []Result{Success}},
		{Name: "status", Help: "Check the status of a request once", Fine: []Result{Success, Pending, UpgradeFailed}},
		{Name: "download", Help: "Download files of a request", Downloads: true, Fine: []Result{Success, Pending, UpgradeFailed}},
		{Name: "inspect", Help: "Recognize a dump and say what is in it; sends nothing", Fine: []Result{Success}},
		{Name: "inventory", Help: "Count the rows of a dump, sum up its ledger and stock, and list what was customized; sends nothing", Fine: []Result{Success}},
		{Name: "compare", Help: "Say what an upgraded database lacks, or has otherwise, than the dump that was sent; sends nothing", Fine: []Result{Success}},
	}
}

// CommandNamed returns the command with that name; the zero Command for any other.
func CommandNamed(name string) Command {
	for _, c := range Commands() {
		if c.Name == name {
			return c
		}
	}
	return Command{}
}

// IsFine reports whether e is not a failure of the command.
func (c Command) IsFine(e Ending) bool { return e.Err == nil && slices.Contains(c.Fine, e.Result) }
