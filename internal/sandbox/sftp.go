package sandbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// loadHostKey returns the sandbox's SSH host key, made at its first start.
func loadHostKey(dir string) (ssh.Signer, error) {
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newHostKey(path)
	}
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

func newHostKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "sandbox")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	return text, os.WriteFile(path, text, 0o600)
}

// userPrefix and the id make the SFTP user, as in the specification's sample
// session.
const userPrefix = "user_"

// serveSFTP answers until the listener is closed or ctx ends.
func (s *Server) serveSFTP(ctx context.Context, listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		s.workers.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			s.serveConn(conn)
		})
	}
}

// login finds the request of an SSH user, whose key has to be one of its own.
func (s *Server) login(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	id, found := strings.CutPrefix(conn.User(), userPrefix)
	if !found {
		return nil, errors.New("no such user")
	}
	number, ok := atoi(id)
	r, known := s.store.get(number)
	if ok && known {
		for _, line := range r.SSHKeys {
			own, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err == nil && bytes.Equal(own.Marshal(), key.Marshal()) {
				return &ssh.Permissions{Extensions: map[string]string{"id": id}}, nil
			}
		}
	}
	return nil, errors.New("no such user and key")
}

func (s *Server) serveConn(conn net.Conn) {
	defer conn.Close()
	failing := map[string]bool{}
	for _, f := range s.faults.next("sftp") {
		switch failing[f.kind] = true; f.kind {
		case "refuse":
			return
		case "cut":
			conn = &cutConn{Conn: conn, left: f.n}
		case "rate":
			conn = &slowConn{conn, s.ctx, f.n}
		}
	}
	config := &ssh.ServerConfig{PublicKeyCallback: s.login}
	config.AddHostKey(s.hostKey)
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // for the handshake
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		s.config.Log("sftp: " + err.Error())
		return
	}
	_ = conn.SetDeadline(time.Time{})
	id, _ := atoi(server.Permissions.Extensions["id"])
	s.config.Log("sftp: " + server.User() + " connected")
	go ssh.DiscardRequests(requests)
	sessions := 0
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only sftp")
			continue
		}
		if sessions++; failing["one-session"] && sessions > 1 {
			_ = offered.Reject(ssh.Prohibited, "one session for each connection")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		s.workers.Go(func() { s.serveSession(channel, requests, share{s, id, !failing["no-reading"]}) })
	}
}

// serveSession waits for the sftp subsystem, the only thing that may be asked
// for, and serves it.
func (s *Server) serveSession(channel ssh.Channel, requests <-chan *ssh.Request, share share) {
	defer channel.Close()
	for request := range requests {
		wanted := request.Type == "subsystem" && bytes.HasSuffix(request.Payload, []byte("\x00\x00\x00\x04sftp"))
		_ = request.Reply(wanted, nil)
		if !wanted {
			continue
		}
		go ssh.DiscardRequests(requests)
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: share, FilePut: share, FileCmd: share, FileList: share})
		_ = server.Serve()
		_ = server.Close()
		_, _ = channel.SendRequest("exit-status", false, make([]byte, 4))
		return
	}
}

// share is what one request's user sees: the shared file and nothing else.
type share struct {
	*Server
	id       int
	readable bool
}

// file returns the path on disk of the shared file, if that is what name means.
func (s share) file(name string) (path string, r record, err error) {
	r, _ = s.store.get(s.id)
	if strings.TrimPrefix(name, "/") != r.sharedFile() {
		return "", r, sftp.ErrSSHFxNoSuchFile
	}
	if r.upgraded() {
		return s.store.path(s.id, upgradedFile), r, nil
	}
	return s.store.path(s.id, originalFile), r, nil
}

// Fileread implements sftp.FileReader.
func (s share) Fileread(request *sftp.Request) (io.ReaderAt, error) {
	path, _, err := s.file(request.Filepath)
	if err != nil {
		return nil, err
	}
	if !s.readable {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	return os.Open(path)
}

// Filewrite implements sftp.FileWriter. "No other files will be accessible and
// you will not be able to create new files."
func (s share) Filewrite(request *sftp.Request) (io.WriterAt, error) {
	return s.OpenFile(request)
}

// OpenFile implements sftp.OpenFileWriter.
func (s share) OpenFile(request *sftp.Request) (sftp.WriterAtReaderAt, error) {
	path, r, err := s.file(request.Filepath)
	flags := request.Pflags()
	switch {
	case err == nil && flags.Read && !s.readable, err != nil && flags.Creat, err == nil && flags.Creat && flags.Excl, err == nil && r.State != draft:
		return nil, sftp.ErrSSHFxPermissionDenied
	case err != nil:
		return nil, err
	}
	mode := os.O_RDWR
	if flags.Trunc {
		mode |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return nil, err
	}
	return &sharedUpload{File: file, share: s}, nil
}

// sharedUpload is the shared file while it may be written: once the request is
// no draft any more, what was open before is read-only too.
type sharedUpload struct {
	*os.File
	share share
}

func (u *sharedUpload) WriteAt(p []byte, offset int64) (int, error) {
	if r, _ := u.share.store.get(u.share.id); r.State != draft {
		return 0, sftp.ErrSSHFxPermissionDenied
	}
	return u.File.WriteAt(p, offset)
}

// Filecmd implements sftp.FileCmder: no renaming, removing, making of folders,
// no chmod and no times.
func (s share) Filecmd(*sftp.Request) error { return sftp.ErrSSHFxPermissionDenied }

// Filelist implements sftp.FileLister.
func (s share) Filelist(request *sftp.Request) (sftp.ListerAt, error) {
	if request.Filepath == "/" && request.Method != "List" {
		return listing{root{}}, nil
	}
	name := request.Filepath
	if name == "/" {
		r, _ := s.store.get(s.id)
		name = r.sharedFile()
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
	return listing{shared{info, r.sharedFile()}}, nil
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

// shared is the shared file as the specification's session lists it: anybody's
// to write, nobody's own.
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
