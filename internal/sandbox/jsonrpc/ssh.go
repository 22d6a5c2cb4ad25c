package jsonrpc

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// User is the SSH user of every request.
const User = "odoo"

// data is the folder that the script thinks it writes to and reads from.
const data = "/data/"

// Login returns the request of a key that has a transfer open on a port.
func (s *Server) Login(user string, key ssh.PublicKey, port string) (id int, ok bool) {
	r, ok := s.transferOf([]string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))}, port, 0)
	return r.ID, ok && user == User
}

// upgradedName is what the upgraded database is called.
func upgradedName(r requests.Record) string {
	return "upgraded" + strings.TrimPrefix(r.Remote, "origin")
}

// Session waits for a command, which must be one of the script's for the request, and runs
// it. hangUp closes the connection: a client that is gone does not close a channel.
func (s *Server) Session(ctx context.Context, id int, hangUp func()) func(ssh.Channel, <-chan *ssh.Request) {
	return func(channel ssh.Channel, wanted <-chan *ssh.Request) {
		defer channel.Close()
		for request := range wanted {
			var exec struct{ Command string }
			isExec := request.Type == "exec" && ssh.Unmarshal(request.Payload, &exec) == nil
			_ = request.Reply(isExec, nil)
			if !isExec {
				continue
			}
			go ssh.DiscardRequests(wanted)
			status := s.run(ctx, channel, id, exec.Command, hangUp)
			s.Log(fmt.Sprintf("rsync: request %d: exit status %d", id, status))
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
			return
		}
	}
}

// prefix is the port that the script's rsync puts in front of a path, when the node has
// one.
var prefix = regexp.MustCompile(`^[0-9]+:`)

// run runs one of the script's commands and returns its exit status.
func (s *Server) run(ctx context.Context, channel ssh.Channel, id int, command string, hangUp func()) int {
	words := strings.Fields(command)
	if len(words) < 2 || words[0] != "rsync" {
		return refuse(channel, rsync.StatusNoProgram, "only rsync is served")
	}
	failing := map[string]int64{}
	for _, f := range s.Faults.Next("rsync") {
		failing[f.Kind] = f.N
	}
	if _, none := failing["no-rsync"]; none {
		return refuse(channel, rsync.StatusNoProgram, "rsync: command not found")
	}
	if _, none := failing["no-inplace"]; none && slices.Contains(words, "--inplace") {
		return refuse(channel, rsync.StatusUnsupported, "rsync: --inplace: unknown option")
	}
	_, exact := failing["exact-line"]
	_, scriptOnly := failing["script-only"]
	scriptOnly = scriptOnly || exact
	a, err := rsync.ParseArgs(words[1:])
	if err != nil {
		return refuse(channel, rsync.StatusUnsupported, "rsync: "+err.Error())
	}
	for i, p := range a.Paths {
		a.Paths[i] = prefix.ReplaceAllString(p, "")
	}
	r, _ := s.Store.Get(id)
	switch {
	case !a.Sender && r.Transfer == "upload" && r.State == requests.Draft && uploads.allow(words, scriptOnly):
		status := 0
		if err := s.Store.WhileAlone(ctx, id, func(ctx context.Context) error {
			defer context.AfterFunc(ctx, hangUp)()
			status = s.receive(ctx, channel, r, a, failing["disk-full"])
			return nil
		}); err != nil {
			return refuse(channel, rsync.StatusStream, "rsync: "+err.Error())
		}
		return status
	case a.Sender && r.Transfer == "download" && downloads.allow(words, scriptOnly) && (!exact || len(a.Paths) == scriptsPaths):
		return s.send(ctx, channel, r, a)
	}
	return refuse(channel, rsync.StatusUnsupported, "this command is not allowed")
}

// scriptsPaths is how many paths the script asks for: the database, the filestore, the report
// and the log.
const scriptsPaths = 4

// commands are those that are allowed, without their paths.
type commands struct {
	script   []string // of the vendor's script, from 2021 to 2026
	variants []string // that this program sends
}

var (
	uploads = commands{
		[]string{
			"--server -ltre.iLsfxCIvu --delete-after", "--server -logDtpre.iLsfxCIvu --delete-after",
			"--server -logDtpre.iLsfxCIvu", // until 2024
		},
		[]string{"--server -ltre.iLsfxCIvu --delete-after --inplace"},
	}
	downloads = commands{
		[]string{"--server --sender -logDtpre.iLsfxCIvu --ignore-missing-args"},
		[]string{"--server --sender -logDtpre.LsfxCIvu --ignore-missing-args"},
	}
)

// allow reports whether a command is one of them.
func (c commands) allow(words []string, scriptOnly bool) bool {
	end := slices.Index(words, ".")
	command := strings.Join(words[1:max(1, end)], " ")
	return slices.Contains(c.script, command) || !scriptOnly && slices.Contains(c.variants, command)
}

func refuse(channel ssh.Channel, status int, why string) int {
	_, _ = fmt.Fprintln(channel.Stderr(), why)
	return status
}

// seed is that of the checksums.
func seed() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// uploadNames are the names that an upload can have.
var uploadNames = []string{"origin.sql", "origin.dump", "origin.zip", "origin.sql.gz"}

// partialFolder is where partial files are, which a restart removes like other parts of
// uploads.
const partialFolder = "upload-partial"

// maxEntries limits the files of a dump in directory format.
const maxEntries = 100_000

// receive takes an upload.
func (s *Server) receive(ctx context.Context, channel ssh.Channel, r requests.Record, a rsync.Args, most int64) int {
	remote, ok := strings.CutPrefix(strings.TrimSuffix(a.Paths[0], "/"), data)
	if !ok || !slices.Contains(uploadNames, remote) {
		return refuse(channel, rsync.StatusNoFolder, "this path is not allowed")
	}
	root, err := os.OpenRoot(s.Store.Path(r.ID, ""))
	if err != nil {
		return refuse(channel, rsync.StatusNoFolder, "rsync: internal error of the sandbox")
	}
	defer root.Close()
	limit := s.Store.MaxUpload
	if most > 0 && (limit == 0 || most < limit) {
		limit = most
	}
	target := rsync.Target{
		Root: root, Name: requests.OriginalFile, Partial: partialFolder,
		Limits: rsync.Limits{Bytes: limit, Entries: maxEntries, Depth: 1}, // as pg_dump -Fd writes it
	}
	result, status, err := rsync.ServeReceiver(ctx, channel, a, target, seed())
	if _, full := errors.AsType[*rsync.TooLargeError](err); full && limit != most {
		return refuse(channel, rsync.StatusFileIO, "rsync: "+requests.ErrTooLarge.Error())
	} else if full {
		return refuse(channel, rsync.StatusFileIO, "rsync: write failed: No space left on device (28)")
	}
	if err != nil {
		s.Log("rsync: " + err.Error())
	} else if len(result.Files) == 0 {
		return status // the client had nothing to send
	} else if _, err := s.Store.Update(r.ID, func(r *requests.Record) error {
		r.Remote, r.Filename = remote, remote
		return nil
	}); err != nil {
		return rsync.StatusFileIO
	}
	return status
}

// send sends what a download asks for.
func (s *Server) send(ctx context.Context, channel ssh.Channel, r requests.Record, a rsync.Args) int {
	root, err := os.OpenRoot(s.Store.Path(r.ID, ""))
	if err != nil {
		return refuse(channel, rsync.StatusNoFolder, "rsync: internal error of the sandbox")
	}
	defer root.Close()
	var files []rsync.File
	for _, wanted := range a.Paths {
		list, err := offered(root, r, strings.TrimSuffix(strings.TrimPrefix(wanted, data), "/"))
		if err != nil {
			s.Log("rsync: " + err.Error())
			return refuse(channel, rsync.StatusPartial, "rsync: internal error of the sandbox")
		}
		files = append(files, list...)
	}
	status, err := rsync.ServeSender(ctx, channel, a, files, seed())
	if err != nil {
		s.Log("rsync: " + err.Error())
	}
	return status
}

// offered returns what there is under a name: nothing for one that is not of the request.
func offered(root *os.Root, r requests.Record, name string) ([]rsync.File, error) {
	local := map[string]string{upgradedName(r): requests.UpgradedFile, "filestore": requests.FilestoreFile, "upgrade.log": requests.LogFile}[name]
	if name == "upgrade-report.html" {
		page := r.Report()
		return []rsync.File{
			{
				Name:    name,
				Size:    int64(len(page)),
				ModTime: r.Ended,
				Open:    func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(page)), nil },
			},
		}, nil
	}
	if local == "" || local == requests.UpgradedFile && !r.IsUpgraded() {
		return nil, nil
	}
	list, err := rsync.Local(root, local)
	for i := range list {
		list[i].Name = name + strings.TrimPrefix(list[i].Name, local)
		list[i].ModTime = list[i].ModTime.Truncate(time.Second)
	}
	return list, err
}
