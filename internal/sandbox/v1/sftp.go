package v1

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sandbox/requests"
)

// userPrefix and the id make the SFTP user, as in the specification's sample
// session.
const userPrefix = "user_"

// Login returns the request of an SSH user, which must have the key.
func (s *Server) Login(user string, key ssh.PublicKey) (id int, ok bool) {
	text, found := strings.CutPrefix(user, userPrefix)
	id, err := strconv.Atoi(text)
	r, known := s.Store.Get(id)
	if !found || err != nil || !known {
		return 0, false
	}
	for _, line := range r.SSHKeys {
		own, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err == nil && bytes.Equal(own.Marshal(), key.Marshal()) {
			return id, true
		}
	}
	return 0, false
}

// Share is what one request's user sees: the shared file and nothing else.
type Share struct {
	Server   *Server
	ID       int  // of the request
	Readable bool // what is uploaded can be read back
}

// Session waits for the sftp subsystem, the only thing that may be requested on a
// channel, and serves it.
func (s Share) Session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		wanted := request.Type == "subsystem" && bytes.HasSuffix(request.Payload, []byte("\x00\x00\x00\x04sftp"))
		_ = request.Reply(wanted, nil)
		if !wanted {
			continue
		}
		go ssh.DiscardRequests(requests)
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
		_ = server.Serve()
		_, _ = channel.SendRequest("exit-status", false, make([]byte, 4)) // before the channel closes: scp waits for it
		_ = server.Close()
		return
	}
}

// file returns the path on disk of the shared file, if that is what name means.
func (s Share) file(name string) (path string, r requests.Record, err error) {
	r, _ = s.Server.Store.Get(s.ID)
	if strings.TrimPrefix(name, "/") != sharedFile(r) {
		return "", r, sftp.ErrSSHFxNoSuchFile
	}
	if r.IsUpgraded() {
		return s.Server.Store.Path(s.ID, requests.UpgradedFile), r, nil
	}
	return s.Server.Store.Path(s.ID, requests.OriginalFile), r, nil
}

// Fileread implements sftp.FileReader.
func (s Share) Fileread(request *sftp.Request) (io.ReaderAt, error) {
	path, r, err := s.file(request.Filepath)
	if err != nil {
		return nil, err
	}
	if !s.Readable {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	file, err := os.Open(path)
	if change := s.Server.changeOf(s.ID); err == nil && change != nil && r.IsUpgraded() {
		return &changingFile{file, change}, nil
	}
	return file, err
}

// Filewrite implements sftp.FileWriter. "No other files will be accessible and
// you will not be able to create new files."
func (s Share) Filewrite(request *sftp.Request) (io.WriterAt, error) {
	return s.OpenFile(request)
}

// OpenFile implements sftp.OpenFileWriter.
func (s Share) OpenFile(request *sftp.Request) (sftp.WriterAtReaderAt, error) {
	path, r, err := s.file(request.Filepath)
	flags := request.Pflags()
	switch {
	case err == nil && flags.Read && !s.Readable,
		err != nil && flags.Creat,
		err == nil && flags.Creat && flags.Excl,
		err == nil && r.State != requests.Draft:
		return nil, sftp.ErrSSHFxPermissionDenied
	case err != nil:
		return nil, err
	}
	mode := os.O_RDWR
	if flags.Trunc {
		mode |= os.O_TRUNC
	}
	var file *os.File
	err = s.whileDraft(func() (err error) {
		file, err = os.OpenFile(path, mode, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &sharedUpload{File: file, share: s}, nil
}

// whileDraft changes the upload, unless the request was submitted: what was opened before
// is read-only then.
func (s Share) whileDraft(change func() error) error {
	err := s.Server.Store.WhileDraft(s.Server.ctx, s.ID, func(context.Context) error { return change() })
	if errors.Is(err, requests.ErrNotDraft) {
		return sftp.ErrSSHFxPermissionDenied
	}
	return err
}

// sharedUpload is the shared file while it may be written.
type sharedUpload struct {
	*os.File
	share Share
}

func (u *sharedUpload) WriteAt(p []byte, offset int64) (n int, err error) {
	if most := u.share.Server.Store.MaxUpload; most > 0 && offset+int64(len(p)) > most {
		return 0, requests.ErrTooLarge
	}
	err = u.share.whileDraft(func() (err error) {
		n, err = u.File.WriteAt(p, offset)
		return err
	})
	return n, err
}

// Filecmd implements sftp.FileCmder: no renaming, removing, making of folders,
// no chmod and no times. The size of the shared file can be set, alone.
func (s Share) Filecmd(request *sftp.Request) error {
	if flags := request.AttrFlags(); request.Method != "Setstat" || !flags.Size || flags.UidGid || flags.Permissions || flags.Acmodtime {
		return sftp.ErrSSHFxPermissionDenied
	}
	path, _, err := s.file(request.Filepath)
	if err != nil {
		return err
	}
	size := request.Attributes().Size
	if size > uint64(cmp.Or(s.Server.Store.MaxUpload, maxSize)) {
		return sftp.ErrSSHFxPermissionDenied
	}
	return s.whileDraft(func() error { return os.Truncate(path, int64(size)) })
}

// maxSize limits what a client can make the shared file, in bytes: it takes no space, but
// what reads it does.
const maxSize = 1 << 40

// Filelist implements sftp.FileLister.
func (s Share) Filelist(request *sftp.Request) (sftp.ListerAt, error) {
	if request.Filepath == "/" && request.Method != "List" {
		return listing{root{}}, nil
	}
	name := request.Filepath
	if name == "/" {
		r, _ := s.Server.Store.Get(s.ID)
		name = sharedFile(r)
	} else if request.Method == "List" || request.Method == "Readlink" {
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	path, r, err := s.file(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return listing{}, nil
	}
	if err != nil {
		return nil, err
	}
	if change := s.Server.changeOf(s.ID); change != nil && r.IsUpgraded() {
		info = change.info(info)
	}
	return listing{shared{info, sharedFile(r)}}, nil
}

type listing []os.FileInfo

func (l listing) ListAt(into []os.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(into, l[offset:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}

// shared is the shared file as the specification's session lists it: writable for all,
// without an owner.
type shared struct {
	os.FileInfo
	name string
}

func (f shared) Name() string      { return f.name }
func (f shared) Mode() fs.FileMode { return 0o666 }
func (f shared) Sys() any          { return nil }

// root is the folder that holds it.
type root struct{}

func (root) Name() string       { return "/" }
func (root) Size() int64        { return 0 }
func (root) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (root) ModTime() time.Time { return time.Time{} }
func (root) IsDir() bool        { return true }
func (root) Sys() any           { return nil }
