package cli

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"odoo-upgrade-action/internal/dial"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/rsync"
	"odoo-upgrade-action/internal/upgrade"
	"odoo-upgrade-action/internal/workspace"
)

// adviser is an error that knows what to do about it.
type adviser interface {
	error
	Advice() string
}

// hint says what to do about an error, "" if its text says so already.
func hint(err error) string {
	if refused, ok := errors.AsType[*upgrade.RefusedError](err); ok {
		return refusalHint(refused)
	}
	if a, ok := errors.AsType[adviser](err); ok {
		return a.Advice()
	}
	if _, ok := errors.AsType[*dial.HostKeyError](err); ok {
		return "Compare the fingerprint with one that you trust. Either the platform has a new key, and ssh-known-hosts must be set to it, or another server answers in its place."
	}
	if _, ok := errors.AsType[*job.DraftError](err); ok {
		return "Use the command run or start, with the handle and the dump."
	}
	if _, ok := errors.AsType[*job.NotReadyError](err); ok {
		return "Use run, which waits for it."
	}
	if remote, ok := errors.AsType[*rsync.RemoteError](err); ok && strings.Contains(remote.Messages, "No space left") {
		return "The platform's disk is full. Try again later, or contact Odoo support."
	}
	return diskHint(err)
}

// diskHint says what to do about an error of the file system.
func diskHint(err error) string {
	_, full := errors.AsType[*workspace.NoSpaceError](err)
	switch {
	case full:
		return "Free some space, or set download-path to a folder on a larger disk."
	case errors.Is(err, syscall.ENOSPC):
		return "The disk is full. Free some space, or set download-path to a folder on a larger disk."
	case errors.Is(err, syscall.ENOTDIR), err != nil && strings.HasSuffix(err.Error(), "not a directory"): // os.Root has an error of its own
		return "A file has the name of that folder: move it, or set download-path to another one."
	case errors.Is(err, fs.ErrPermission):
		return "The program does not have the permission. Check the owner and the mode of that path."
	case errors.Is(err, fs.ErrNotExist):
		return "Paths are relative to the workspace. Check that the step that creates it comes before this one, in the same job."
	}
	return ""
}

// refusalHint names the inputs to check.
func refusalHint(refused *upgrade.RefusedError) string {
	if refused.Kind == upgrade.AccessRefusal {
		return "The platform does not grant SFTP access to the request in its current state. Set transport to auto or https."
	}
	var hints []string
	for _, f := range refused.Failures {
		switch f.Kind {
		case upgrade.TargetRefusal:
			hints = append(hints, "Set target to a version that the platform offers.")
		case upgrade.ContractRefusal:
			hints = append(hints, "Check the contract: is the secret set, and does this workflow get it? Workflows on pull requests from forks get no secrets.")
		case upgrade.KeyRefusal:
			hints = append(hints, "Check request-id and request-key: they must belong together, and to this server-url.")
		}
	}
	return strings.Join(hints, " ")
}
