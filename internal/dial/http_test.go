package dial

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCACertificate(t *testing.T) {
	if _, err := HTTP([]byte("rubbish")); err == nil {
		t.Error("rubbish was accepted as a certificate")
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer server.Close()
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, pem := range map[string][]byte{"without it": nil, "with it": own} {
		transport, err := HTTP(pem)
		if err != nil {
			t.Fatal(err)
		}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(server.URL)
		if (err == nil) != (pem != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
}
