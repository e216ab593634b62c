package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// young is how long after its modification a file may be written again within the same tick of its clock: those of network file systems tick in
// seconds, FAT's every two.
const young = 3 * time.Second

// Folder is a store on a file system.
type Folder struct{ root string }

func openFolder(path string) (Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", path)
	}
	root, err := filepath.Abs(path)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	return &Folder{root: root}, err
}

// Name is file:// and the absolute path, links resolved.
func (f *Folder) Name() string { return "file://" + filepath.ToSlash(f.root) }

// Root is the folder's absolute path.
func (f *Folder) Root() string { return f.root }

// Close does nothing.
func (*Folder) Close() error { return nil }

// List walks the folder. Links to files are followed, links to folders below it are not. What vanishes meanwhile is passed over.
func (f *Folder) List(ctx context.Context, each func(Object) error) error {
	return f.Below(ctx, "", each)
}

// Below is List of a part of the store, which may be a file: path is relative to the store, with slashes. A part that is gone holds nothing.
func (f *Folder) Below(ctx context.Context, path string, each func(Object) error) error {
	return filepath.WalkDir(filepath.Join(f.root, filepath.FromSlash(path)), func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) && name != f.root {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		o, ok := f.object(name)
		if !ok {
			return nil
		}
		return each(o)
	})
}

// object is the file of that name; false for what is gone, or is no regular file.
func (f *Folder) object(name string) (Object, bool) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return Object{}, false
	}
	rel, err := filepath.Rel(f.root, name)
	if err != nil {
		return Object{}, false
	}
	at := info.ModTime()
	return Object{Path: filepath.ToSlash(rel), Size: info.Size(), Modified: at, Young: time.Since(at).Abs() < young,
		Stamp: strconv.FormatInt(at.UnixNano(), 36) + "." + strconv.FormatInt(info.Size(), 36)}, true
}

// Read reads a file.
func (f *Folder) Read(ctx context.Context, path string, most int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(f.root, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", ErrLocked, fs.ErrPermission)
	}
	if err != nil {
		return nil, err
	}
	return readAll(io.ReadCloser(file), most)
}
