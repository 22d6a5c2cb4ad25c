package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// The states that a request goes through. The specification names draft and
// done; the others are those of the vendor's newer protocol.
const (
	draft     = "draft"
	pending   = "pending"
	progress  = "progress"
	done      = "done"
	delivered = "delivered"
)

// record is a request as it lies on disk.
type record struct {
	ID         int       `json:"id"`
	Key        string    `json:"key"`
	Contract   string    `json:"contract"`
	Email      string    `json:"email"`
	Target     string    `json:"target"`
	Aim        string    `json:"aim"`
	Filename   string    `json:"filename"`
	Timezone   string    `json:"timezone"`
	State      string    `json:"state"`
	SkipTest   bool      `json:"skip_test"`
	SSHKeys    []string  `json:"ssh_keys"`         // as authorized_keys lines
	Version    string    `json:"database_version"` // what the platform guesses of the dump
	PostgreSQL string    `json:"postgresql"`
	UUID       string    `json:"database_uuid"`
	Created    time.Time `json:"created"`
	Processed  time.Time `json:"processed"`
	Ended      time.Time `json:"ended"`
}

func (r record) ended() bool { return !r.Ended.IsZero() }

func (r record) upgraded() bool { return r.State == done || r.State == delivered }

// files of a request, in its folder.
const (
	recordFile   = "request.json"
	originalFile = "original"
	upgradedFile = "upgraded"

	uploadPattern = "upload-*" // on its way to be the original
)

// store keeps the requests. Every change of a record goes through update, which
// puts it on disk before anybody sees it.
type store struct {
	dir     string
	mu      sync.Mutex
	records map[int]record
	next    int
}

func openStore(dir string) (*store, error) {
	s := &store{dir: filepath.Join(dir, "requests"), records: map[int]record{}, next: 10001}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		s.next = max(s.next, id+1)
		s.sweep(id)
		text, err := os.ReadFile(s.path(id, recordFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue // stopped between making the folder and the record
		}
		var r record
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", id, err)
		}
		s.records[id] = r
	}
	return s, nil
}

// sweep removes what uploads left that were under way when the sandbox stopped.
func (s *store) sweep(id int) {
	left, _ := filepath.Glob(s.path(id, uploadPattern))
	for _, path := range left {
		_ = os.Remove(path)
	}
}

func (s *store) path(id int, name string) string {
	return filepath.Join(s.dir, strconv.Itoa(id), name)
}

// create gives r an id and a key.
func (s *store) create(r record) (record, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID, r.State, r.Created = s.next, draft, time.Now()
	r.Key = base64.URLEncoding.EncodeToString(random[:])
	if err := os.Mkdir(s.path(r.ID, ""), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return r, err
	}
	s.next++
	return r, s.write(r)
}

// write puts r on disk, whole or not at all, and then into the map.
func (s *store) write(r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := s.path(r.ID, recordFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	s.records[r.ID] = r
	return nil
}

// get returns the request with that id.
func (s *store) get(id int) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	return r, ok
}

// find returns the request if the key is its own.
func (s *store) find(id, key string) (record, bool) {
	number, err := strconv.Atoi(id)
	if err != nil {
		return record{}, false
	}
	r, ok := s.get(number)
	return r, ok && subtle.ConstantTimeCompare([]byte(r.Key), []byte(key)) == 1
}

// update changes a request, if change agrees, while nobody else does.
func (s *store) update(id int, change func(*record) error) (record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[id]
	if err := change(&r); err != nil {
		return s.records[id], err
	}
	return r, s.write(r)
}

// unfinished returns the requests that are being processed.
func (s *store) unfinished() []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []record
	for _, r := range s.records {
		if r.State == pending || r.State == progress {
			list = append(list, r)
		}
	}
	return list
}

// size returns the size of a request's file, 0 where there is none.
func (s *store) size(id int, name string) int64 {
	info, err := os.Stat(s.path(id, name))
	if err != nil {
		return 0
	}
	return info.Size()
}
