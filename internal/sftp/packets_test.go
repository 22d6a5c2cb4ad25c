package sftp

import (
	"encoding/binary"
	"io"
)

// Types of packets that the tests' servers know beside those of wire.
const (
	typeOpen   = 3
	typeClose  = 4
	typeRead   = 5
	typeWrite  = 6
	typeFstat  = 8
	typeStat   = 17
	typeStatus = 101
	typeHandle = 102

	attrSize        = 1
	attrOwner       = 2
	attrPermissions = 4
	attrTimes       = 8
)

// header reads a packet's length and type, and bounds the length of the rest.
func header(in io.Reader) (kind byte, length int, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, 0, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxReply+64 {
		return 0, 0, errProtocol
	}
	return head[4], int(n) - 1, nil
}

func appendString(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// take32 removes a number from the front of b.
func take32(b *[]byte) uint32 {
	n := binary.BigEndian.Uint32(*b)
	*b = (*b)[4:]
	return n
}

// take64 removes a number from the front of b.
func take64(b *[]byte) uint64 {
	n := binary.BigEndian.Uint64(*b)
	*b = (*b)[8:]
	return n
}
