package handle_test

import (
	"errors"
	"fmt"

	"odoo-upgrade-action/internal/handle"
	"odoo-upgrade-action/internal/upgrade"
)

// A job hands a request on to a later one, through a log that anyone can read.
func Example() {
	sealed, err := handle.Seal(handle.Handle{
		Server: "https://upgrade.odoo.com", Protocol: "v1", Ticket: upgrade.Ticket{ID: "10534", Key: "Aw7pItGVKFuZ_FOR3U8VFQ=="},
	}, "M123456-abcdef")
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := handle.Open(sealed, "M123456-abcdef")
	fmt.Println(h.Ticket.ID, h.Ticket.Key, err)
	_, err = handle.Open(sealed, "another secret")
	fmt.Println(errors.Is(err, handle.ErrWrongSecret))
	// Output:
	// 10534 *** <nil>
	// true
}
