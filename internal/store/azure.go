package store

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
)

// azureContainer is a store in Azure's blob storage.
type azureContainer struct {
	address
	client *azblob.Client
}

// openAzure takes the account from AZURE_STORAGE_ACCOUNT or the option account, and credentials as Azure's own tools do: AZURE_STORAGE_CONNECTION_STRING,
// AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, else the default chain (AZURE_CLIENT_ID …, workload and managed identity, az login). The option endpoint names another server.
func openAzure(_ context.Context, a address, getenv func(string) (string, bool)) (Store, error) {
	if err := a.only("account", "endpoint"); err != nil {
		return nil, err
	}
	client, err := azureClient(a, getenv)
	if err != nil {
		return nil, err
	}
	return &azureContainer{a, client}, nil
}

func azureClient(a address, getenv func(string) (string, bool)) (*azblob.Client, error) {
	env := func(name string) string { v, _ := getenv(name); return v }
	wrong := func(text string, err error) error { return &Fault{Store: a.String(), Text: text, cause: err} }
	account := a.options.Get("account")
	if account == "" {
		account = env("AZURE_STORAGE_ACCOUNT")
	}
	if text := env("AZURE_STORAGE_CONNECTION_STRING"); text != "" && a.options.Get("account") == "" {
		client, err := azblob.NewClientFromConnectionString(text, nil)
		if err != nil {
			return nil, wrong("AZURE_STORAGE_CONNECTION_STRING cannot be read", err)
		}
		return client, nil
	}
	if account == "" {
		return nil, wrong("no account is set: set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING, or "+a.String()+"?account=NAME", nil)
	}
	url := "https://" + account + ".blob.core.windows.net/"
	if e := a.options.Get("endpoint"); e != "" {
		url = strings.TrimSuffix(e, "/") + "/"
	}
	if key := env("AZURE_STORAGE_KEY"); key != "" {
		shared, err := azblob.NewSharedKeyCredential(account, key)
		if err != nil {
			return nil, wrong("AZURE_STORAGE_KEY cannot be read: it is base64", err)
		}
		return azblob.NewClientWithSharedKeyCredential(url, shared, nil)
	}
	if token := env("AZURE_STORAGE_SAS_TOKEN"); token != "" {
		return azblob.NewClientWithNoCredential(url+"?"+strings.TrimPrefix(token, "?"), nil)
	}
	chain, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, wrong("there are no credentials: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or sign in with az login", err)
	}
	return azblob.NewClient(url, chain, nil)
}

// Name is azblob://CONTAINER/PREFIX with its account's address: names of containers repeat. The client's own address may end in a token.
func (c *azureContainer) Name() string {
	account, _, _ := strings.Cut(c.client.URL(), "?")
	return c.String() + "?endpoint=" + strings.TrimSuffix(account, "/")
}

// Close does nothing.
func (*azureContainer) Close() error { return nil }

// List asks for the blobs below the prefix, a page at a time.
func (c *azureContainer) List(ctx context.Context, each func(Object) error) error {
	pages := c.client.NewListBlobsFlatPager(c.bucket, &azblob.ListBlobsFlatOptions{Prefix: &c.prefix})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return c.fault(ctx, err)
		}
		for _, item := range page.Segment.BlobItems {
			if item.Name == nil || item.Properties == nil {
				continue
			}
			o := Object{Path: strings.TrimPrefix(*item.Name, c.prefix)}
			if p := item.Properties; p.ETag != nil && p.ContentLength != nil && p.LastModified != nil {
				o.Size, o.Modified, o.Stamp = *p.ContentLength, *p.LastModified, string(*p.ETag)
			}
			if o.Path == "" || strings.HasSuffix(o.Path, "/") {
				continue
			}
			if err := each(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Read gets a blob.
func (c *azureContainer) Read(ctx context.Context, path string, most int64) ([]byte, error) {
	out, err := c.client.DownloadStream(ctx, c.bucket, c.key(path), nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, c.fault(ctx, err)
	}
	return readAll(out.Body, most)
}

// fault makes one sentence of the SDK's errors, which quote the request's address with its token.
func (c *azureContainer) fault(ctx context.Context, err error) error {
	const signIn = "check AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or the identity (it needs Storage Blob Data Reader)"
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return c.status(r.StatusCode, r.ErrorCode, err, signIn)
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return c.status(401, "", err, signIn)
	}
	if strings.Contains(err.Error(), "DefaultAzureCredential") {
		return &Fault{Store: c.String(), Text: "there are no credentials: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or sign in with az login", cause: err}
	}
	return c.unreachable(err)
}
