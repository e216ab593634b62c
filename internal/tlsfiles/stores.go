package tlsfiles

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// maxFile bounds what is read: a bundle of all authorities is a few hundred kilobytes, a wrong path may be a disk.
const maxFile = 8 << 20

// pair is how to read the client's certificate and key; nil: it has none.
func (f Files) pair() (func() (*tls.Certificate, error), error) {
	if f.KeyStore != "" {
		return f.keyStore, nil
	}
	cert, key := f.Cert != "" || f.CertText != nil, f.Key != "" || f.KeyText != nil
	switch {
	case cert != key:
		return nil, errors.New("they go together: set both or none")
	case !cert:
		return nil, nil //nolint:nilnil // none is no fault
	}
	return func() (*tls.Certificate, error) {
		chain, err := content(f.Cert, f.CertText)
		if err != nil {
			return nil, err
		}
		key, err := content(f.Key, f.KeyText)
		if err != nil {
			return nil, err
		}
		return keyPair(chain, key, f.KeyPassword.now())
	}, nil
}

// keyStore reads a store that holds certificate and key. Java has a password for the store and one for the key in it, which for PKCS#12 is
// the same one.
func (f Files) keyStore() (*tls.Certificate, error) {
	data, err := readFile(f.KeyStore)
	if err != nil {
		return nil, err
	}
	if isPEM(data) {
		return keyPair(data, data, cmp.Or(f.KeyPassword.now(), f.StorePassword.now()))
	}
	if err := noJKS(f.KeyStore, data); err != nil {
		return nil, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, f.StorePassword.now())
	if err != nil {
		return nil, pkcs12Fault(f.KeyStore, err)
	}
	c := &tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, above := range chain {
		c.Certificate = append(c.Certificate, above.Raw)
	}
	return c, nil
}

// pool reads who is believed.
func (f Files) pool() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if f.SystemToo {
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	path := cmp.Or(f.TrustStore, f.CA)
	data, err := content(path, f.CAText)
	if err != nil {
		return nil, err
	}
	if f.TrustStore == "" || isPEM(data) {
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s holds no PEM certificate", cmp.Or(path, "the text"))
		}
		return pool, nil
	}
	if err := noJKS(path, data); err != nil {
		return nil, err
	}
	certs, err := pkcs12.DecodeTrustStore(data, f.TrustPassword.now())
	if err != nil {
		return nil, pkcs12Fault(path, err)
	}
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// content is PEM from a file, or as text.
func content(path string, text Text) ([]byte, error) {
	if text != nil {
		return []byte(text()), nil
	}
	return readFile(path)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of at most 8 MiB", path)
	}
	return os.ReadFile(path)
}

// keyPair is tls.X509KeyPair for keys that may be encrypted.
func keyPair(chain, key []byte, password string) (*tls.Certificate, error) {
	key, err := decrypted(key, password)
	if err != nil {
		return nil, err
	}
	c, err := tls.X509KeyPair(chain, key)
	return &c, err
}

// decrypted is PEM whose private key has no password any more: of PKCS#8, or of OpenSSL's old way.
func decrypted(data []byte, password string) ([]byte, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return data, nil // what is wrong with it, tls.X509KeyPair says
		}
		old := block.Headers["DEK-Info"] != ""
		if block.Type != "ENCRYPTED PRIVATE KEY" && !old {
			continue
		}
		if password == "" {
			return nil, errors.New("the private key is encrypted: its password (ssl.key.password) is missing")
		}
		if old {
			der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // weak as it is, people have such keys
			if err != nil {
				return nil, errors.New("the private key cannot be decrypted: check ssl.key.password")
			}
			return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
		}
		key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(password))
		if err != nil {
			return nil, errors.New("the private key cannot be decrypted: check ssl.key.password (PKCS #8 with AES or Triple DES is known)")
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, errors.New("the private key is of a kind that is not known")
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// noJKS refuses Java's own formats, by what the file holds: keytool has made PKCS#12 for years, also of files that are called .jks.
func noJKS(path string, data []byte) error {
	if !bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) && !bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}) {
		return nil
	}
	return fmt.Errorf("%s is a Java keystore (JKS), which only Java reads; make PKCS#12 of it: keytool -importkeystore -srckeystore %s -destkeystore %s.p12 -deststoretype PKCS12", path, path, path)
}

func pkcs12Fault(path string, err error) error {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return fmt.Errorf("%s: the password is not that of the store", path)
	}
	return fmt.Errorf("%s can't be read as PKCS#12 or PEM: %w", path, err)
}
