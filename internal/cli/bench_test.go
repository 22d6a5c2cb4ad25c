//go:build unix

package cli

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/platform"
	v1 "odoo-upgrade-action/internal/platform/v1"
	"odoo-upgrade-action/internal/realtest"
	"odoo-upgrade-action/internal/upgrade"
)

// benchServer makes this binary a server of its own process that takes uploads
// over TLS and throws them away, so that both clients meet the same one.
const benchServer = "ODOO_UPGRADE_BENCH_SERVER"

func serveBench() {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, 1<<20))
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"failures": [], "request": {"bytes": %d}}`, n)
	}))
	fmt.Println(server.URL)
	_ = pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
}

func startBenchServer(b *testing.B) (url string, certificate []byte) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), benchServer+"=1")
	in, _ := command.StdinPipe()
	out, _ := command.StdoutPipe()
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = command.Wait() })
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	for !strings.Contains(string(certificate), "END CERTIFICATE") {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			b.Fatal(err)
		}
		certificate = append(certificate, line...)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(certificate) {
		b.Fatal("no certificate")
	}
	return strings.TrimSpace(first), certificate
}

// BenchmarkUpload sends 2 GiB over TLS on loopback with our client and with
// curl, in turns, and reports curl's time as 1.
func BenchmarkUpload(b *testing.B) {
	realtest.Need(b, "curl")
	const size = 2 << 30
	dir := b.TempDir()
	path := filepath.Join(dir, "db.dump")
	file, err := os.Create(path)
	if err == nil {
		_, err = file.WriteString("PGDMP")
	}
	if err == nil {
		err = file.Truncate(size)
	}
	if err != nil || file.Close() != nil {
		b.Fatal(err)
	}
	url, certificate := startBenchServer(b)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		b.Fatal(err)
	}
	transport, err := dial.HTTP(certificate)
	if err != nil {
		b.Fatal(err)
	}
	server, err := v1.New(platform.Config{Server: url, HTTP: transport})
	if err != nil {
		b.Fatal(err)
	}
	info, err := dump.Inspect(b.Context(), path, dump.Options{Digest: true})
	if err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := server.Upload(b.Context(), upgrade.Ticket{ID: "1", Key: "k"}, info, func(int64) {}); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(start))
		start = time.Now()
		// -T streams; --data-binary, as in the specification, would read all of it first.
		text, err := exec.Command("curl", "-sS", "--fail", "--http1.1", "--cacert", ca, "-X", "POST", "-H", "Content-Type: application/octet-stream",
			"-T", path, url+"/database/v1/upload?request=1&key=k").CombinedOutput()
		if err != nil || !strings.Contains(string(text), fmt.Sprint(int64(size))) {
			b.Fatalf("%v %s", err, text)
		}
		theirs = append(theirs, time.Since(start))
	}
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(size/1e6/median(ours), "MB/s-ours")
	b.ReportMetric(size/1e6/median(theirs), "MB/s-curl")
	b.ReportMetric(median(ours)/median(theirs), "time/curl")
}

// median is in seconds: one slow turn of a busy machine does not count.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}
