package dial

import (
	"fmt"
	"strconv"
)

// HTTPSettings are what users set about HTTPS.
type HTTPSettings struct {
	CACertificate string `name:"ca-certificate" help:"Certificates to trust in addition to the system's, as PEM"`
}

// TransferSettings are what users set about transfers. They are declared here
// once, with their names and help, and reach the back end as they are.
type TransferSettings struct {
	Transport     Transport `default:"auto" help:"How files are transferred: https, sftp, or auto: HTTPS below 512 MiB, SFTP from there on and if HTTPS fails${only_transport}"`
	Streams       Streams   `default:"4" help:"Maximum number of SSH connections for SFTP${only_streams}"`
	SSHKnownHosts string    `name:"ssh-known-hosts" help:"Host keys of the platform's SSH server, as lines of known_hosts. Default: with v1, the first key of each request is trusted, logged and required from then on; with json-rpc, the platform sends the key over HTTPS"`
	SSHPrivateKey string    `name:"ssh-private-key" help:"Private SSH key for transfers, in OpenSSH format, without a passphrase. Default: a new key for each request" secret:""`
}

// Transport chooses how files are transferred.
type Transport string

// The transports. Auto uses HTTPS for small dumps and SFTP for large ones, and
// switches to the other one when the first does not work.
const (
	Auto  Transport = "auto"
	HTTPS Transport = "https"
	SFTP  Transport = "sftp"
)

// UnmarshalText reads one of the transports.
func (t *Transport) UnmarshalText(text []byte) error {
	switch *t = Transport(text); *t {
	case Auto, HTTPS, SFTP:
		return nil
	}
	return fmt.Errorf("%q is not one of auto, https and sftp", text)
}

// Streams is a number of SSH connections.
type Streams int

// UnmarshalText reads a number from 1 to 16.
func (s *Streams) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 16 {
		return fmt.Errorf("%q is not a number from 1 to 16", text)
	}
	*s = Streams(n)
	return nil
}
