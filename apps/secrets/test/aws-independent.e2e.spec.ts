import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pythonWithModule } from '@lineclear/servers';
import { startFakeAws } from '@lineclear/testkit';
import { expect, it } from 'vitest';

// AWS's own client for Python, which knows nothing of what was written here.
const SCRIPT = `
import json, sys, boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def client(name, **more):
    return boto3.client(name, endpoint_url=sys.argv[1], region_name="eu-test-1", aws_access_key_id="AKIDEXAMPLE",
                        aws_secret_access_key="not a real one", config=Config(retries={"total_max_attempts": 1}, **more))

def code(call, **args):
    try:
        call(**args)
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]

secrets = client("secretsmanager")
told = {}
first = secrets.create_secret(Name="lineclear/x", SecretString=json.dumps({"A": "old"}))["VersionId"]
second = secrets.put_secret_value(SecretId="lineclear/x", SecretString=json.dumps({"A": "new"}))["VersionId"]
get = lambda **which: secrets.get_secret_value(SecretId="lineclear/x", **which)
told["current"] = get()["SecretString"]
told["stages"] = get()["VersionStages"]
told["previous"] = get(VersionStage="AWSPREVIOUS")["VersionId"] == first
told["by id"] = get(VersionId=first)["SecretString"]
secrets.put_secret_value(SecretId="lineclear/x", SecretString="{}", VersionStages=["AWSPENDING"])
told["still current"] = get()["VersionId"] == second
secrets.update_secret_version_stage(SecretId="lineclear/x", VersionStage="AWSCURRENT", MoveToVersionId=first)
told["moved back"] = get()["SecretString"]
told["by arn"] = secrets.get_secret_value(SecretId=get()["ARN"])["SecretString"]
told["gone"] = code(secrets.get_secret_value, SecretId="lineclear/nobody")
told["no such stage"] = code(get, VersionStage="NOSUCH")
told["exists"] = code(secrets.create_secret, Name="lineclear/x", SecretString="{}")

kms = client("kms")
context = {"purpose": "kek", "key_id": "kek_1"}
blob = kms.encrypt(KeyId="alias/lineclear", Plaintext=b"x" * 32, EncryptionContext=context)["CiphertextBlob"]
told["opened"] = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x" * 32
told["other context"] = code(kms.decrypt, CiphertextBlob=blob, EncryptionContext={"purpose": "kek"})
told["other key"] = code(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context, KeyId=sys.argv[2])
told["no key"] = code(kms.encrypt, KeyId="alias/nobody", Plaintext=b"x")

from botocore import UNSIGNED
told["throttled"] = code(secrets.delete_secret, SecretId="lineclear/x")
told["denied"] = code(secrets.delete_secret, SecretId="lineclear/x")
told["unsigned"] = code(client("secretsmanager", signature_version=UNSIGNED).get_secret_value, SecretId="lineclear/x")
print(json.dumps(told))
`;

it("the simulator of AWS is one to AWS's client for Python as well", { timeout: 240_000 }, async () => {
  const aws = await startFakeAws();
  try {
    aws.kms.key('alias/lineclear');
    const otherKey = aws.kms.key();
    const { file, env } = await pythonWithModule('boto3', 'python3-boto3');
    aws.failNext('DeleteSecret', 1, 'throttled');
    aws.failNext('DeleteSecret', 1, 'denied');
    const { stdout } = await promisify(execFile)(file, ['-c', SCRIPT, aws.url, otherKey], {
      env: { ...env, PATH: '/usr/bin:/bin', NO_PROXY: '127.0.0.1', AWS_EC2_METADATA_DISABLED: 'true' },
    });
    expect(JSON.parse(stdout)).toEqual({
      current: '{"A": "new"}',
      stages: ['AWSCURRENT'],
      previous: true,
      'by id': '{"A": "old"}',
      'still current': true,
      'moved back': '{"A": "old"}',
      'by arn': '{"A": "old"}',
      gone: 'ResourceNotFoundException',
      'no such stage': 'ResourceNotFoundException',
      exists: 'ResourceExistsException',
      opened: true,
      'other context': 'InvalidCiphertextException',
      'other key': 'IncorrectKeyException',
      'no key': 'NotFoundException',
      throttled: 'ThrottlingException',
      denied: 'AccessDeniedException',
      unsigned: 'MissingAuthenticationTokenException',
    });
  } finally {
    await aws.close();
  }
});
