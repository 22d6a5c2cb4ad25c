//go:build unix

package e2e

import (
	"os"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

func TestMain(m *testing.M) { os.Exit(realtest.Main(m).Run()) }
