// Package requests keeps a sandbox's requests and processes them: records and
// files on disk, the engine that upgrades, and the worker that takes a request from
// state to state.
//
// Open a Store, give it to a Worker with an Engine, and Start the requests that are to
// be processed. What requests are on a wire is the business of the packages that
// serve one.
package requests

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// The states that a request goes through. The specification names draft and
// done; the others are those of the vendor's newer protocol.
const (
	Draft     = "draft"
	Pending   = "pending"
	Progress  = "progress"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
	Delivered = "delivered"
)

// The protocols that a sandbox speaks.
const (
	ProtocolV1  = "v1"
	ProtocolRPC = "json-rpc"
)

// Record is a request as it is on disk.
type Record struct {
	ID         int       `json:"id"`
	Protocol   string    `json:"protocol"` // of the API that created it: the other one does not know it
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
	Version    string    `json:"database_version"` // of Odoo, in the upload
	PostgreSQL string    `json:"postgresql"`
	UUID       string    `json:"database_uuid"`
	Kind       string    `json:"kind"`      // of the upload: a dump.Form
	Filestore  bool      `json:"filestore"` // the upload has one
	Usable     bool      `json:"usable"`    // the upload was inspected, and has no problem
	Created    time.Time `json:"created"`
	Processed  time.Time `json:"processed"`
	Started    time.Time `json:"started"` // of the upgrade, once it was its turn
	Starts     int       `json:"starts"`  // how often it was started
	Bytes      int64     `json:"bytes"`   // of the upload, once it was processed
	Ended      time.Time `json:"ended"`

	Estimate time.Duration `json:"estimate"` // of how long the upgrade takes; 0 where it is not known

	Remote   string `json:"remote"`        // what json-rpc calls the upload, like origin.zip
	Transfer string `json:"transfer"`      // that json-rpc has open: upload, download or none
	Port     string `json:"transfer_port"` // of the SSH server, where that transfer is

	Message string `json:"message"` // of the engine to the customer
	Notes   string `json:"notes"`   // of the engine about what it changed
	Result  string `json:"result"`  // name of the upgraded file

	Disabled []View `json:"disabled"` // by the engine
}

// HasEnded reports whether the request has reached its last state.
func (r Record) HasEnded() bool { return !r.Ended.IsZero() }

// HasKey reports whether a key is the request's own.
func (r Record) HasKey(key string) bool {
	return subtle.ConstantTimeCompare([]byte(r.Key), []byte(key)) == 1
}

// IsUpgraded reports whether there is an upgraded database.
func (r Record) IsUpgraded() bool { return r.State == Done || r.State == Delivered }

// Files of a request, in its folder.
const (
	OriginalFile = "original"
	UpgradedFile = "upgraded"

	UploadPattern = "upload-*" // becomes the original

	LogFile       = "upgrade.log" // of the engine
	FilestoreFile = "filestore"   // folder with the files that the upgrade added

	recordFile = "request.json"
	workFolder = "work" // of the engine
)

// Store keeps the requests. Every change of a record goes through Update, which puts
// it on disk before anything else sees it.
type Store struct {
	MaxUpload int64 // bytes of an upload; 0: as many as the disk takes
	RandomIDs bool  // ids cannot be guessed either; else they count from 10001 on

	dir     string
	mu      sync.Mutex
	records map[int]Record
	next    int
	guesses guesses
	gates   gates
}

// Open opens the store in a folder, and what an earlier process left there.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir) // engines work in other folders
	if err != nil {
		return nil, err
	}
	s := &Store{dir: filepath.Join(dir, "requests"), records: map[int]Record{}, next: 10001}
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
		text, err := os.ReadFile(s.Path(id, recordFile))
		if errors.Is(err, fs.ErrNotExist) { // stopped while it was created or removed
			if err := os.RemoveAll(s.Path(id, "")); err != nil {
				return nil, err
			}
			continue
		}
		var r Record
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

// sweep removes what is left of uploads and upgrades that were running when the sandbox
// stopped.
func (s *Store) sweep(id int) {
	for _, pattern := range []string{UploadPattern, "*.new", workFolder} {
		left, _ := filepath.Glob(s.Path(id, pattern))
		for _, path := range left {
			_ = os.RemoveAll(path)
		}
	}
}

// Lock makes the folder this process's own until unlock is called.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, fmt.Errorf("another sandbox uses the folder %s: stop it, or set data to another folder", dir)
	}
	return func() { _ = lock.Unlock() }, nil // the file stays: removing it is a race
}

// List returns all requests, the newest first.
func (s *Store) List() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.records), func(a, b Record) int { return cmp.Or(b.Created.Compare(a.Created), b.ID-a.ID) })
}

// Path returns where a file of a request is.
func (s *Store) Path(id int, name string) string {
	return filepath.Join(s.dir, strconv.Itoa(id), name)
}

// newKey makes a key. It does not begin with a dash, which programs with the key as an
// argument, like the vendor's script, would take for a flag.
func newKey() string {
	var random [16]byte
	for {
		_, _ = rand.Read(random[:]) // never fails
		if key := base64.URLEncoding.EncodeToString(random[:]); key[0] != '-' {
			return key
		}
	}
}

// Create gives r an id and a key.
func (s *Store) Create(r Record) (Record, error) {
	r.Key = newKey()
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID, r.State, r.Created = s.newID(), Draft, time.Now()
	if err := os.Mkdir(s.Path(r.ID, ""), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return r, err
	}
	return r, s.write(r)
}

// newID returns an id that no request has. The caller holds the lock.
func (s *Store) newID() int {
	if !s.RandomIDs {
		s.next++
		return s.next - 1
	}
	for {
		random, err := rand.Int(rand.Reader, big.NewInt(900_000_000))
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		id := 100_000_000 + int(random.Int64())
		if _, taken := s.records[id]; !taken {
			return id
		}
	}
}

// write puts r on disk, whole or not at all, and then into the map.
func (s *Store) write(r Record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := s.Path(r.ID, recordFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	s.records[r.ID] = r
	return nil
}

// Get returns the request with that id.
func (s *Store) Get(id int) (Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	return r, ok
}

// ErrNotFound says that a request does not exist, or that the key is not its own. It does
// not say which: that would help to guess.
var ErrNotFound = errors.New("no request with this key")

// Find returns the request with that id if the key is its own, to a client at an address.
// Errors are ErrNotFound, and a *GuessError for a client that guesses.
func (s *Store) Find(client, id, key string) (Record, error) {
	number, err := strconv.Atoi(id)
	if err != nil {
		return Record{}, ErrNotFound
	}
	if err := s.guesses.allow(client, number); err != nil {
		return Record{}, err
	}
	r, ok := s.Get(number)
	if !ok || !r.HasKey(key) {
		s.guesses.count(client, number)
		return Record{}, ErrNotFound
	}
	return r, nil
}

// With returns a request that is what is wanted.
func (s *Store) With(is func(Record) bool) (Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if is(r) {
			return r, true
		}
	}
	return Record{}, false
}

// Update changes a request, unless change returns an error, and lets no other update
// happen meanwhile.
func (s *Store) Update(id int, change func(*Record) error) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[id]
	if err := change(&r); err != nil {
		return s.records[id], err
	}
	return r, s.write(r)
}

// Unfinished returns the requests that are being processed, in the order in which they
// were submitted.
func (s *Store) Unfinished() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Record
	for _, r := range s.records {
		if r.State == Pending || r.State == Progress {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Record) int { return cmp.Or(a.Processed.Compare(b.Processed), a.ID-b.ID) })
	return list
}

// Size returns the size of a request's file, or of the files in a folder; 0 where there
// is none.
func (s *Store) Size(id int, name string) (size int64) {
	_ = filepath.WalkDir(s.Path(id, name), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
