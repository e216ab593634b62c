package kafkaclient

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/compression"
)

// setMetadataAge also lowers the least age, which the client else refuses a small one by.
func setMetadataAge(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 100 {
		return errors.New("must be a whole number of milliseconds, 100 at least")
	}
	d := time.Duration(n) * time.Millisecond
	s.opts = append(s.opts, kgo.MetadataMaxAge(d), kgo.MetadataMinAge(min(5*time.Second, d)))
	return nil
}

// setRequestSize also makes room for a request with one such batch.
func setRequestSize(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 512 || n > 1<<29 {
		return fmt.Errorf("must be a whole number of bytes, from 512 to %d", 1<<29)
	}
	s.opts = append(s.opts, kgo.ProducerBatchMaxBytes(int32(n)), kgo.BrokerMaxWriteBytes(int32(max(n+1<<20, 100<<20))))
	return nil
}

func setCompression(s *state, v string) error {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, ok := codecs[strings.ToLower(v)]
	if !ok {
		return oneOf(v, "none", "gzip", "snappy", "lz4", "zstd")
	}
	s.opts = append(s.opts, compression.Use(codec)...)
	return nil
}
