//go:build !unix

package plainhttp

import (
	"context"
	"errors"
)

// canLook: without it New makes no transport.
const canLook = false

type write struct{ attempt func(fd uintptr) bool }

func (*write) now(uintptr) bool { return true }

func (*conn) writeSome(context.Context, []byte) (int, error) { return 0, errors.ErrUnsupported }
