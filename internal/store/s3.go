package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Bucket is a store in S3, or in what speaks as S3 does.
type s3Bucket struct {
	address
	client *s3.Client
}

// openS3 takes credentials, region and endpoint from AWS' default chain: AWS_ACCESS_KEY_ID …, AWS_PROFILE and its files, web identity, the instance's role;
// AWS_ENDPOINT_URL_S3 names another server. The options are region, endpoint, and path_style for servers that have no host a bucket.
func openS3(ctx context.Context, a address, _ func(string) (string, bool)) (Store, error) {
	if err := a.only("region", "endpoint", "path_style"); err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, &Fault{Store: a.String(), Text: "AWS' configuration cannot be read: check AWS_PROFILE and the files in ~/.aws", cause: err}
	}
	if region := a.options.Get("region"); region != "" {
		cfg.Region = region
	}
	endpoint := a.options.Get("endpoint")
	if cfg.Region == "" && endpoint == "" && aws.ToString(cfg.BaseEndpoint) == "" {
		return nil, &Fault{Store: a.String(), Text: "no region is set: set AWS_REGION, or " + a.String() + "?region=eu-central-1"}
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // other servers do not ask
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		// Servers other than AWS' are known by one host name, mostly.
		o.UsePathStyle = a.options.Get("path_style") == "true" || a.options.Get("path_style") == "" && o.BaseEndpoint != nil
	})
	return &s3Bucket{a, client}, nil
}

// Name is s3://BUCKET/PREFIX, and the server's address where that is not AWS'.
func (b *s3Bucket) Name() string {
	if e := b.client.Options().BaseEndpoint; e != nil {
		return b.String() + "?endpoint=" + *e
	}
	return b.String()
}

// Close does nothing.
func (*s3Bucket) Close() error { return nil }

// List asks for the objects below the prefix, a page of 1,000 at a time.
func (b *s3Bucket) List(ctx context.Context, each func(Object) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: aws.String(b.prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return b.fault(ctx, err)
		}
		for _, o := range page.Contents {
			path := strings.TrimPrefix(aws.ToString(o.Key), b.prefix)
			if path == "" || strings.HasSuffix(path, "/") {
				continue // a folder that a console made
			}
			err := each(Object{Path: path, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), Stamp: aws.ToString(o.ETag)})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Read gets an object.
func (b *s3Bucket) Read(ctx context.Context, path string, most int64) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: aws.String(b.key(path))})
	if err != nil {
		if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "NoSuchKey" {
			return nil, fs.ErrNotExist
		} else if ok && e.ErrorCode() == "InvalidObjectState" {
			return nil, fmt.Errorf("%w: it is archived", ErrLocked)
		}
		return nil, b.fault(ctx, err)
	}
	return readAll(out.Body, most)
}

// fault makes one sentence of the SDK's errors, which name request ids, and may name more.
func (b *s3Bucket) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	const signIn = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine"
	code := ""
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && r.HTTPStatusCode() != 0 {
		return b.status(r.HTTPStatusCode(), code, err, signIn)
	}
	if strings.Contains(err.Error(), "failed to refresh cached credentials") || strings.Contains(err.Error(), "get credentials") {
		return &Fault{Store: b.String(), Text: "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role", cause: err}
	}
	return b.unreachable(err)
}
