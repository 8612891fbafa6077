import { isLocalUrl, Secret } from '@lineclear/kit';
import { z } from 'zod';

const MAX_SECRETS = 10;

const region = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, 'is not the name of a region')
  .optional();
const credential = z
  .string()
  .max(8_192)
  .transform((text) => new Secret(text))
  .optional();

/** What AWS is reached with, for Secrets Manager and for KMS. Without credentials here the SDK looks where it always does (profile, web identity, instance). */
export const awsEnv = {
  /** Secrets in Secrets Manager, names or ARNs, comma separated: the first that has a name wins. */
  LINECLEAR_AWS_SECRET_NAME: z
    .string()
    .max(4_096)
    .transform((text) => text.split(',').map((id) => id.trim()))
    .pipe(
      z
        .array(z.string().regex(/^[A-Za-z0-9/_+=.@:-]{1,512}$/, 'is not the name of a secret of AWS'))
        .min(1)
        .max(MAX_SECRETS),
    )
    .optional(),
  /** The KMS key that wraps the key-encryption keys: its ARN, its id, or `alias/…`. */
  LINECLEAR_KMS_KEY: z
    .string()
    .regex(/^[A-Za-z0-9/_:-]{1,280}$/, 'is not a key of KMS')
    .optional(),
  LINECLEAR_AWS_REGION: region,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  /** Instead of the region's own address. */
  LINECLEAR_AWS_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .refine(
      (text) => !URL.canParse(text) || text.startsWith('https:') || isLocalUrl(new URL(text)),
      'must be https, but to this machine',
    )
    .optional(),
  LINECLEAR_AWS_TIMEOUT_SECONDS: z.coerce.number().min(0.1).max(60).default(5),
  AWS_ACCESS_KEY_ID: credential,
  AWS_SECRET_ACCESS_KEY: credential,
  AWS_SESSION_TOKEN: credential,
};
const awsSettings = z.object(awsEnv);
export type AwsConfig = Readonly<z.infer<typeof awsSettings>>;

/** Whether this service itself uses AWS: then what it does that with is no job's. */
export const usesAws = (
  config: Pick<AwsConfig, 'LINECLEAR_AWS_SECRET_NAME' | 'LINECLEAR_KMS_KEY'>,
): boolean => config.LINECLEAR_AWS_SECRET_NAME !== undefined || config.LINECLEAR_KMS_KEY !== undefined;

/** What a client of the SDK is made with. One try per call: when to try again is decided by whoever knows what for. */
export function awsClientOptions(config: AwsConfig): {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number };
} {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = config;
  const inRegion = config.LINECLEAR_AWS_REGION ?? config.AWS_REGION ?? config.AWS_DEFAULT_REGION;
  const timeoutMs = config.LINECLEAR_AWS_TIMEOUT_SECONDS * 1_000;
  return {
    ...(inRegion === undefined ? {} : { region: inRegion }),
    ...(config.LINECLEAR_AWS_ENDPOINT === undefined ? {} : { endpoint: config.LINECLEAR_AWS_ENDPOINT }),
    ...(id && key
      ? {
          credentials: {
            accessKeyId: id.reveal(),
            secretAccessKey: key.reveal(),
            ...(token ? { sessionToken: token.reveal() } : {}),
          },
        }
      : {}),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs },
  };
}
