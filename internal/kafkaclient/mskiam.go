package kafkaclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
)

// iamMechanism signs in to Amazon MSK with the credentials that the AWS SDK finds: of the environment, a shared file, single sign-on, a web identity
// (EKS), the container or the machine. They are looked for at the first authentication, and renewed by the SDK.
func (s saslSettings) iamMechanism() (sasl.Mechanism, string) {
	chain := &credentialChain{options: s.jaas.options}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		c, err := chain.now(ctx)
		if err != nil {
			return aws.Auth{}, &Fault{cause: err, Text: "no AWS credentials to sign in to the brokers with: " + oneLine(err.Error()) +
				": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, awsProfileName in sasl.jaas.config, or give the machine, task or pod a role"}
		}
		return aws.Auth{AccessKey: c.AccessKeyID, SecretKey: c.SecretAccessKey, SessionToken: c.SessionToken, UserAgent: "gx-ol"}, nil
	}), s.jaas.options["awsRoleArn"]
}

// credentialChain is the SDK's, with what Amazon's login module for Java takes as options.
type credentialChain struct {
	options map[string]string

	mu    sync.Mutex // guards found
	found awssdk.CredentialsProvider
}

func (c *credentialChain) now(ctx context.Context) (awssdk.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		found, err := c.look(ctx)
		if err != nil {
			return awssdk.Credentials{}, err
		}
		c.found = found
	}
	return c.found.Retrieve(ctx)
}

func (c *credentialChain) look(ctx context.Context) (awssdk.CredentialsProvider, error) {
	var with []func(*config.LoadOptions) error
	if profile := c.options["awsProfileName"]; profile != "" {
		with = append(with, config.WithSharedConfigProfile(profile))
	}
	if region := c.options["awsStsRegion"]; region != "" {
		with = append(with, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return nil, err
	}
	role := c.options["awsRoleArn"]
	if role == "" {
		return cfg.Credentials, nil
	}
	return awssdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "gx-ol"
		if name := c.options["awsRoleSessionName"]; name != "" {
			o.RoleSessionName = name
		}
		if id := c.options["awsRoleExternalId"]; id != "" {
			o.ExternalID = &id
		}
	})), nil
}

// iamOptions are those of Amazon's login module that have an effect here, or need none.
var iamOptions = []string{"awsProfileName", "awsRoleArn", "awsRoleSessionName", "awsRoleExternalId", "awsStsRegion", "awsDebugCreds", "awsMaxRetries", "awsMaxBackOffTimeMs"}

// checkOptions refuses options that would change who signs in.
func (l jaasLine) checkOptions() error {
	if l.module != moduleIAM {
		return nil
	}
	for name := range l.options {
		if !slices.Contains(iamOptions, name) {
			return fmt.Errorf("holds an option that is not known: %s are", strings.Join(iamOptions, ", "))
		}
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
