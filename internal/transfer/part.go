package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/retry"
	"odoo-upgrade-action/internal/upgrade"
)

// part is a file on its way: hidden, beside a note that says what it is a part
// of, until it is whole.
type part struct {
	folder *Folder
	item   upgrade.Item
	file   *os.File
	size   int64
	digest hash.Hash
	head   []byte
	note   note
}

// note is what has to be the same for a part to be gone on with.
type note struct {
	URL       string `json:"url"`       // its SHA-256: the URL itself holds the key
	Validator string `json:"validator"` // a strong one, for If-Range; of SFTP, size and time
	Total     int64  `json:"total"`     // bytes of the whole file
}

func (p *part) partName() string { return "." + string(p.item) + ".part" }
func (p *part) noteName() string { return "." + string(p.item) + ".part.json" }

// openPart opens what there is of the file, or begins it.
func openPart(ctx context.Context, folder *Folder, item upgrade.Item, from upgrade.Secret) (_ *part, err error) {
	p := &part{folder: folder, item: item, digest: sha256.New()}
	p.file, err = folder.root.OpenFile(p.partName(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := p.own(); err != nil {
		_ = p.file.Close() // it is another run's
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close(ctx.Err() == nil)
		}
	}()
	if err := p.file.Chmod(0o600); err != nil { // it may be older than this run
		return nil, err
	}
	if err := folder.owner.take(folder.root, p.partName()); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(from.Reveal()))
	url := hex.EncodeToString(sum[:])
	text, readErr := folder.root.ReadFile(p.noteName())
	if readErr != nil || json.Unmarshal(text, &p.note) != nil || p.note.URL != url || p.note.Validator == "" {
		p.note = note{URL: url}
		return p, p.reset()
	}
	return p, p.recall(ctx)
}

// own makes sure that nobody else writes the part, and that it still is the part:
// another run may just have given it its name.
func (p *part) own() error {
	if err := lock(p.file); err != nil {
		return fmt.Errorf("another run downloads %s to the same folder: give each its own download-path", p.item)
	}
	opened, err := p.file.Stat()
	if err != nil {
		return err
	}
	named, err := p.folder.root.Stat(p.partName())
	if err != nil || !os.SameFile(opened, named) {
		return retry.Transient(fmt.Errorf("another run has just ended downloading %s to the same folder", p.item))
	}
	return nil
}

// recall hashes what an earlier try left.
func (p *part) recall(ctx context.Context) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := p.file.Read(buffer)
		p.digest.Write(buffer[:n])
		p.remember(buffer[:n])
		p.size += int64(n)
		if err == io.EOF {
			break
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	if p.size > p.note.Total {
		return p.reset()
	}
	return nil
}

// remember keeps the first bytes, which tell the file's kind.
func (p *part) remember(b []byte) {
	p.head = append(p.head, b[:min(len(b), dump.HeadSize-len(p.head))]...)
}

// reset makes the part empty.
func (p *part) reset() error {
	p.size, p.head = 0, nil
	p.digest.Reset()
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// tail returns the last bytes of the part, overlap of them at most.
func (p *part) tail() ([]byte, error) {
	b := make([]byte, min(p.size, overlap))
	_, err := p.file.ReadAt(b, p.size-int64(len(b)))
	return b, err
}

// beginAt begins a file that the validator tells from others of that name and
// size, or goes on with what there is of it.
func (p *part) beginAt(mark string, total int64) error {
	if p.size == 0 || p.note.Validator != mark || p.note.Total != total {
		if err := p.reset(); err != nil {
			return err
		}
		p.note.Validator, p.note.Total = mark, total
		if err := p.keepNote(); err != nil {
			return err
		}
	}
	return p.fits(total)
}

// NoRoomError says that a file does not fit on the disk any more. Nothing more of
// it was written, and what there was of it stays for another try.
type NoRoomError struct{ Needs, Free int64 } // bytes

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("%s are to come, and the disk of download-path has %s free",
		humanize.IBytes(uint64(e.Needs)), humanize.IBytes(uint64(e.Free)))
}

// fits returns a *NoRoomError if the disk cannot take what is to come of a file of
// that many bytes: rather now than after hours.
func (p *part) fits(total int64) error {
	needs, free := total-p.size, p.folder.Free()
	if free < 0 || needs <= free {
		return nil
	}
	return &NoRoomError{needs, free}
}

// keepNote puts the note on disk, so that a later process can go on.
func (p *part) keepNote() error {
	text, err := json.Marshal(p.note)
	if err != nil {
		return err
	}
	return p.folder.WriteFile(p.noteName(), text)
}

// begin looks at the answer's head: it returns how long the whole file will be,
// -1 where nobody knows before its end, and empties the part where the answer
// starts from byte 0.
func (p *part) begin(resp *http.Response) (total int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return p.beginAnew(resp)
	case http.StatusPartialContent:
		start, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || start != p.size || total != p.note.Total || resp.ContentLength >= 0 && start+resp.ContentLength != total {
			return 0, errors.Join(p.forget(), retry.Transient(errors.New("the server sent another range than the one that was asked for")))
		}
		return total, p.fits(total)
	case http.StatusRequestedRangeNotSatisfiable:
		// Either all of it is here already, or it is another file by now.
		if p.size > 0 && p.size == p.note.Total {
			resp.Body = http.NoBody
			return p.size, nil
		}
		return 0, errors.Join(p.forget(), retry.Transient(errors.New("the server has no such range of it")))
	}
	err = fmt.Errorf("the server answered HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return 0, retry.TransientAfter(err, retry.After(resp.Header))
	}
	return 0, err
}

func (p *part) beginAnew(resp *http.Response) (int64, error) {
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return 0, fmt.Errorf("the server packed it as %.20q although it was asked not to", encoding)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == "application/json" || media == "text/html" && p.item != upgrade.Notes {
		return 0, fmt.Errorf("the server answered with %s in place of a database: it may be an error or a login page", media)
	}
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return 0, errors.New("the server does not say how long it is, so nothing would tell a whole file from a cut one")
	}
	if err := p.reset(); err != nil {
		return 0, err
	}
	if err := p.fits(resp.ContentLength); err != nil {
		return 0, err
	}
	p.note.Validator, p.note.Total = validator(resp.Header), resp.ContentLength
	if resp.ContentLength < 0 || p.note.Validator == "" {
		return resp.ContentLength, p.forget() // a cut would mean to start again
	}
	return resp.ContentLength, p.keepNote()
}

// forget removes the note, so that the next try begins at byte 0.
func (p *part) forget() error {
	err := p.folder.root.Remove(p.noteName())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// validator returns what If-Range may hold for a file (RFC 9110, section
// 13.1.5): a strong entity tag, else a date that is long enough past.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	date, dateErr := http.ParseTime(h.Get("Date"))
	if err == nil && dateErr == nil && date.Sub(modified) >= time.Minute {
		return h.Get("Last-Modified")
	}
	return ""
}

// contentRange reads "bytes 5-9/10".
func contentRange(header string) (start, total int64, ok bool) {
	span, whole, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	first, last, dashed := strings.Cut(span, "-")
	start, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	total, err3 := strconv.ParseInt(whole, 10, 64)
	return start, total, found && dashed && errors.Join(err1, err2, err3) == nil && start <= end && end == total-1
}

func (p *part) write(b []byte) error {
	n, err := p.file.Write(b)
	p.digest.Write(b[:n])
	p.remember(b[:n])
	p.size += int64(n)
	return err
}

// land gives the whole file its name, on disk before it is told.
func (p *part) land() (upgrade.Artifact, error) {
	kind := dump.Sniff(p.head)
	if kind == dump.Empty || kind == dump.HTML && p.item != upgrade.Notes {
		return upgrade.Artifact{}, fmt.Errorf("what came is no database (%s)", kind)
	}
	if err := p.file.Sync(); err != nil {
		return upgrade.Artifact{}, err
	}
	name := string(p.item) + kind.Extension()
	if err := p.folder.root.Rename(p.partName(), name); err != nil {
		return upgrade.Artifact{}, err
	}
	if err := p.forget(); err != nil {
		return upgrade.Artifact{}, err
	}
	return upgrade.Artifact{Item: p.item, Path: p.folder.Path(name), Size: p.size, SHA256: hex.EncodeToString(p.digest.Sum(nil))}, nil
}

// end lets go of the part after err, of its transfer. What a network cut stays for
// the next try, and so does what only lacks room; whatever else went wrong would
// go wrong again on top of it.
func (p *part) end(ctx context.Context, err error) {
	_, room := errors.AsType[*NoRoomError](err)
	p.close(err != nil && !room && !retry.IsTransient(err) && ctx.Err() == nil)
}

// close lets go of the part, and with remove, or if nobody could go on with it,
// leaves nothing of it. A file that has landed has another name and is not
// touched.
func (p *part) close(remove bool) {
	_ = p.file.Close()
	if remove || p.size == 0 || p.note.Validator == "" {
		_ = p.folder.root.Remove(p.partName())
		_ = p.forget()
	}
}
