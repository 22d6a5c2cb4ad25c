package retry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odoo-upgrade-action/internal/retry"
)

// An operation that fails twice for a reason that passes.
func ExamplePolicy_Do() {
	tries := 0
	policy := retry.Policy{First: time.Millisecond, Longest: time.Second, Tries: 5}
	err := policy.Do(context.Background(), func(context.Context) error {
		if tries++; tries <= 2 {
			return retry.Transient(errors.New("connection refused"))
		}
		return nil
	}, func(err error, _ time.Duration) { fmt.Println("trying again:", err) })
	fmt.Println(tries, err)
	// Output:
	// trying again: connection refused
	// trying again: connection refused
	// 3 <nil>
}
