package app

import (
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// reticent logs of an error of the brokers what Kafka's protocol calls it, and not what a broker says beside it: whoever is asked to sign somebody in has heard the
// password, and may quote it.
type reticent struct{ zapcore.Core }

// With is a core that logs fields too.
func (r reticent) With(fields []zapcore.Field) zapcore.Core {
	return reticent{r.Core.With(withoutWords(fields))}
}

// Check adds this core, and not the one that it is made of.
func (r reticent) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(entry.Level) {
		return checked.AddCore(entry, r)
	}
	return checked
}

// Write logs an entry.
func (r reticent) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	return r.Core.Write(entry, withoutWords(fields))
}

func withoutWords(fields []zapcore.Field) []zapcore.Field {
	var out []zapcore.Field // a copy, where there is something to change
	for i, f := range fields {
		err, isError := f.Interface.(error)
		if f.Type != zapcore.ErrorType || !isError {
			continue
		}
		code, isAnswer := errors.AsType[*kerr.Error](err)
		if !isAnswer {
			continue
		}
		if before, _, found := strings.Cut(err.Error(), code.Error()); found {
			if out == nil {
				out = append(out, fields...)
			}
			out[i] = zap.String(f.Key, before+code.Error())
		}
	}
	if out == nil {
		return fields
	}
	return out
}
