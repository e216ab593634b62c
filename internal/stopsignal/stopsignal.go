// Package stopsignal hears the signals that ask a process to stop, from before main on.
//
// Until somebody asks to be told of them, SIGINT and SIGTERM end a process at once, and what a program links is initialized before its main: tens of
// milliseconds, seconds on a busy machine. Go initializes a package as soon as what it imports is, so this one imports the least that it can: nothing of it
// may come to depend on net, fmt or anything of ours.
package stopsignal

import (
	"os"
	"os/signal"
	"syscall"
)

// heard has room for a stop that is asked for in several ways at once, as timeout(1) and a terminal do.
var heard = make(chan os.Signal, 4)

func init() { signal.Notify(heard, syscall.SIGINT, syscall.SIGTERM) }

// Heard gives each SIGINT and SIGTERM, the first ones since before main. They are for one reader.
func Heard() <-chan os.Signal { return heard }
