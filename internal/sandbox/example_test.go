package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"

	"odoo-upgrade-action/internal/sandbox"
)

// A sandbox inside this process answers like the platform.
func ExampleRun() {
	data, err := os.MkdirTemp("", "sandbox-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(data)
	address, stop, err := sandbox.Run(context.Background(), sandbox.Config{Data: data, Outcome: "done"})
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	response, err := http.PostForm(address+"/database/v1/create", url.Values{
		"contract": {"M123456-abcdef"}, "email": {"john.doe@example.com"}, "target": {"17.0"}, "aim": {"test"}, "filename": {"db.dump"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Request struct {
			ID    int
			State string
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Request.ID, answer.Request.State)
	// Output: 10001 draft
}
