package sftp_test

import (
	"context"
	"log"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"odoo-upgrade-action/internal/sftp"
)

// This uploads a file, and says how much of it is safe there if that fails.
func Example() {
	ctx := context.Background()
	var key ssh.Signer
	var hostKey ssh.PublicKey // of whom the server's operator told us
	pool, err := sftp.Connect(ctx, sftp.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", "upgrade.test:22")
		},
		Address:     "upgrade.test:22",
		Client:      &ssh.ClientConfig{User: "user_10001", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(hostKey)},
		Connections: 4, Idle: time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	local, err := os.Open("db.dump")
	if err != nil {
		log.Fatal(err)
	}
	defer local.Close()
	info, err := local.Stat()
	if err != nil {
		log.Fatal(err)
	}
	remote, _, err := pool.Open("db.dump", os.O_RDWR)
	if err != nil {
		log.Fatal(err)
	}
	var safe atomic.Int64 // all before it is acknowledged
	if err := remote.Put(local, 0, info.Size(), sftp.Ahead, &safe); err != nil {
		log.Fatalf("after %d bytes: %v", safe.Load(), err)
	}
	if err := remote.Settle(); err != nil { // a server may report only now that it could not store them
		log.Fatal(err)
	}
	if err := remote.Close(); err != nil {
		log.Fatal(err)
	}
}
