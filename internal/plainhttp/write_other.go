//go:build !unix

package plainhttp

import "errors"

// canLook: without it New makes no transport.
const canLook = false

type write struct{ attempt func(fd uintptr) bool }

func (*write) now(uintptr) bool { return true }

func (*conn) writeSome([]byte) (int, error) { return 0, errors.ErrUnsupported }
