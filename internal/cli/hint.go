package cli

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/upgrade"
)

// hint says what to do about an error, "" if its text says so already.
func hint(err error) string {
	if refused, ok := errors.AsType[*upgrade.RefusedError](err); ok {
		return refusalHint(refused)
	}
	if do := advice.Of(err); do != "" {
		return do
	}
	if remote, ok := errors.AsType[*rsync.RemoteError](err); ok && strings.Contains(remote.Messages, "No space left") {
		return "The platform's disk is full. Try again later, or contact Odoo support."
	}
	return diskHint(err)
}

// diskHint says what to do about an error of the file system.
func diskHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "The disk is full. Free some space, or set {download-path} to a folder on a larger disk."
	case errors.Is(err, syscall.ENOTDIR),
		err != nil && strings.HasSuffix(err.Error(), "not a directory"): // os.Root has an error of its own
		return "A file has the name of that folder: move it, or set {download-path} to another one."
	case errors.Is(err, fs.ErrPermission):
		return "The program does not have the permission. Check the owner and the mode of that path."
	}
	return ""
}

// refusalHint names the inputs to check.
func refusalHint(refused *upgrade.RefusedError) string {
	if refused.Kind == upgrade.AccessRefusal {
		return "The platform does not grant SFTP access to the request in its current state. Set {transport} to auto or https."
	}
	var hints []string
	for _, f := range refused.Failures {
		switch f.Kind {
		case upgrade.TargetRefusal:
			hints = append(hints, "Set {target} to a version that the platform offers.")
		case upgrade.ContractRefusal:
			hints = append(
				hints,
				"Check the contract: is the secret set, and does this workflow get it? Workflows on pull requests from forks get no secrets.",
			)
		case upgrade.KeyRefusal:
			hints = append(hints, "Check {request-id} and {request-key}: they must belong together, and to this {server-url}.")
		}
	}
	return strings.Join(hints, " ")
}
