package kafkaclient

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func TestTheMessageToMSKIsSigned(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "SECRETPW", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"), "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte("[ops]\naws_access_key_id = AKIDOPS\naws_secret_access_key = SECRETPW\naws_session_token = of-the-session\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	iam := map[string]string{"sasl.mechanism": "AWS_MSK_IAM"}
	const host = "b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com:9098"
	for name, c := range map[string]struct {
		props       map[string]string
		key, ticket string
	}{
		"environment": {with(iam), "AKIDENV", ""},
		"profile":     {with(iam, "sasl.jaas.config", `software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName="ops";`), "AKIDOPS", "of-the-session"},
		"Java":        {with(nil, "sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;"), "AKIDENV", ""},
		"OAUTHBEARER": {with(nil, "sasl.mechanism", "OAUTHBEARER", "sasl.login.callback.handler.class", "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler"), "AKIDENV", ""},
	} {
		message, err := firstMessage(t, c.props, host)
		var said map[string]string
		if err != nil || json.Unmarshal([]byte(message), &said) != nil {
			t.Errorf("%s: %v, %s", name, err, message)
			continue
		}
		if !strings.HasPrefix(said["x-amz-credential"], c.key+"/") || !strings.HasSuffix(said["x-amz-credential"], "/eu-west-1/kafka-cluster/aws4_request") || said["host"] != strings.TrimSuffix(host, ":9098") ||
			said["action"] != "kafka-cluster:Connect" || len(said["x-amz-signature"]) != 64 || said["x-amz-security-token"] != c.ticket || said["user-agent"] != "gx-ol" || strings.Contains(message, "SECRETPW") {
			t.Errorf("%s: %v", name, said)
		}
		if want := signedByAWS(t, c.key, c.ticket, said["x-amz-date"], said["host"]); said["x-amz-signature"] != want {
			t.Errorf("%s: signed %s, and AWS's own signer says %s", name, said["x-amz-signature"], want)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := firstMessage(t, with(iam), host); err == nil || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("without credentials: %v", err)
	}
	_, err := Opts(with(iam, "sasl.jaas.config", `x.IAMLoginModule required awsProfle="SECRETPW";`))
	if err == nil || !strings.Contains(err.Error(), "awsProfileName") || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("a misspelt option: %v", err)
	}
}

// signedByAWS is the signature of the same request by the AWS SDK's signer.
func signedByAWS(t *testing.T, key, ticket, date, host string) string {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/?Action=kafka-cluster%3AConnect&X-Amz-Expires=900", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of an empty body
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), awssdk.Credentials{AccessKeyID: key, SecretAccessKey: "SECRETPW", SessionToken: ticket}, req, nothing, "kafka-cluster", "eu-west-1", at)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("X-Amz-Signature")
}
