//go:build unix

package inventory

import (
	"os"
	"testing"

	"odoo-upgrade-action/internal/realtest"
)

func TestMain(m *testing.M) { os.Exit(realtest.Main(m).Run()) }
