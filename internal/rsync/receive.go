package rsync

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// Target is where a receiver writes.
type Target struct {
	Root *os.Root
	// Folder is where in Root everything arrives; "" is Root itself.
	Folder string
	// Name is what a single file is called in place of the sender's name, and the folder
	// that several files go to; "" keeps the names.
	Name string
	// Partial is a folder in Root for partial files, to which no name of the sender's
	// leads. It is needed unless InPlace is set.
	Partial string
	// Only is the one file or folder of the list that is received; "" for all.
	Only string
	// InPlace writes to the files themselves, so that a cut leaves their beginning.
	// Without it a file has its name only once it is complete.
	InPlace bool
	// Keep leaves the partial files after a cut, for the next call to resume.
	Keep bool
	// Delete removes what the sender does not have in the folders that it sends.
	Delete bool
	// Digest takes the SHA-256 of each file.
	Digest bool
	// MaxBytes limits the bytes that are not here yet; 0 for any number.
	MaxBytes int64
	// Limits limit everything that is here afterwards.
	Limits Limits
	// Progress is called with the bytes that are here, of all files, and with the sum of
	// their sizes; it may be nil.
	Progress func(done, total int64)
	// Compared is called, unless nil, with the bytes of a partial file whose sums were sent.
	// It may be called while Progress is.
	Compared func(n int64)
}

// Limits are those of everything in a folder, with what was there before. 0 means any number.
type Limits struct {
	Bytes   int64 // also for names: a file or a folder counts as a block of a disk at least
	Entries int   // files and folders
	Depth   int   // of folders in the folder
}

// Result is what a receiver has after a transfer.
type Result struct {
	Files   []Received // by name
	Folders []string   // by name
	Skipped int        // links, devices and names that are not safe
	Kept    int64      // bytes that are here and need not be sent again, after an error too
}

// ErrNotSent says that a file was requested and not sent. The rest was transferred.
var ErrNotSent = errors.New("a file was not sent")

// receiver receives a list of files.
type receiver struct {
	*conn
	Target
	list   []entry
	failed bool // the sender could not read everything

	wanted    []int           // indexes of the files to receive
	requested map[int]sumHead // what was sent of each; under mu
	mu        sync.Mutex
	single    bool
	total     int64       // bytes of all files
	here      int64       // bytes of them that are here
	free      chan []byte // see newBuffers
	unsynced  []arrival   // complete, but perhaps not on disk
	notSent   error       // an ErrNotSent
	result    Result
}

// run requests and receives all files. The requests come from a goroutine of their own,
// so that a sender need not wait for each.
func (r *receiver) run() (err error) {
	if err := r.plan(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, r.settleAll())
		if !r.InPlace {
			_ = r.Root.Remove(r.Partial) // which is empty after a complete transfer
		}
	}()
	sent := make(chan error, 1)
	go func() { sent <- r.request(r.wanted) }()
	again, err := r.receiveAll()
	if err != nil {
		return err // the connection ends, and the goroutine with it
	}
	if err := <-sent; err != nil {
		return err
	}
	r.requestWhole(again)
	for range r.phases() - 2 { // nothing is left to request; to say so now saves a round trip
		r.putIndex(done)
	}
	if err := r.out.Flush(); err != nil {
		return err
	}
	for range r.phases() - 1 {
		wrong, err := r.receiveAll()
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return fmt.Errorf("%s arrived damaged twice", r.list[wrong[0]].name)
		}
		for i := range r.requested { // the sender has said why, and continues
			r.notSent = fmt.Errorf("%w: %s", ErrNotSent, r.list[i].name)
		}
	}
	if err := r.settleAll(); err != nil {
		return err
	}
	if r.Delete && !r.failed && !r.said.failed && r.notSent == nil {
		err = r.deleteRest()
	}
	slices.SortFunc(r.result.Files, func(a, b Received) int { return strings.Compare(a.Name, b.Name) })
	return err
}

// receiveAll receives files up to the end of a phase. It returns those that arrived
// damaged.
func (r *receiver) receiveAll() (damaged []int, err error) {
	for {
		it, err := r.item()
		if err != nil || it.index == done {
			return damaged, err
		}
		i := int(it.index)
		r.mu.Lock()
		head, ok := r.requested[i]
		delete(r.requested, i)
		r.mu.Unlock()
		if !ok || it.flags&itemTransfer == 0 {
			return damaged, violation("file %d, which was not requested", i)
		}
		intact, err := r.receiveFile(i, head)
		if err != nil {
			return damaged, err
		}
		if !intact {
			damaged = append(damaged, i)
		}
	}
}

// request asks for files, with the sums of what is here of them.
func (r *receiver) request(indexes []int) error {
	for _, i := range indexes {
		if err := r.requestFile(i); err != nil {
			return err
		}
	}
	return r.endPhase()
}

func (r *receiver) requestFile(i int) error {
	file, head := r.basis(i)
	if file != nil {
		defer file.Close()
	}
	r.expect(i, head)
	r.putItem(transferItem(i))
	r.putHead(head)
	block := make([]byte, head.length)
	for n := range head.count {
		if _, err := io.ReadFull(file, block); err != nil {
			clear(block) // does not match, so the file is sent from here on
		}
		if n%sumsAtOnce == sumsAtOnce-1 {
			if err := r.out.Flush(); err != nil {
				return err
			}
		}
		r.putInt(int32(weakSum(block)))
		if r.Compared != nil {
			r.Compared(int64(len(block)))
		}
		strong := r.sums.block(block)
		if _, err := r.out.Write(strong[:head.sumLength]); err != nil {
			return err
		}
	}
	return nil
}

// expect notes that a file was requested.
func (r *receiver) expect(i int, head sumHead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requested[i] = head
}

// requestWhole asks for files from their first byte.
func (r *receiver) requestWhole(indexes []int) {
	for _, i := range indexes {
		r.expect(i, sumHead{})
		r.putItem(transferItem(i))
		r.putHead(sumHead{})
	}
	r.putIndex(done)
}

// resumeBlock is how many bytes a block has by which a partial file is compared: what is
// behind the last whole one is sent again.
const resumeBlock = 128 << 10

// sumsAtOnce is after how many blocks their sums are sent. On a slow disk they are the only
// sign that a large partial file is being read.
const sumsAtOnce = 1024

// basis returns what is here of a file, if that is worth comparing.
func (r *receiver) basis(i int) (*os.File, sumHead) {
	name := r.partial(r.name(i))
	info, err := r.Root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, sumHead{}
	}
	count := min(info.Size(), r.list[i].size) / resumeBlock
	if count == 0 || count > maxBlocks {
		return nil, sumHead{}
	}
	file, err := r.Root.Open(name)
	if err != nil {
		return nil, sumHead{}
	}
	return file, sumHead{count: int(count), length: resumeBlock, sumLength: r.sums.size}
}

// deleteRest removes what the sender does not have.
func (r *receiver) deleteRest() error {
	top := r.top()
	keep := map[string]bool{top: true}
	whole := false // whether the list is a folder's content
	for i, e := range r.list {
		whole = whole || e.name == "."
		keep[r.name(i)] = true
	}
	if !whole {
		return nil
	}
	var surplus []string
	err := fs.WalkDir(r.Root.FS(), top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || keep[name] {
			return err
		}
		surplus = append(surplus, name)
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	for _, name := range surplus {
		err = errors.Join(err, r.Root.RemoveAll(name))
	}
	return err
}

// report says that n more bytes are here.
func (r *receiver) report(n int64) {
	r.here += n
	if r.Progress != nil {
		r.Progress(r.here, r.total)
	}
}
