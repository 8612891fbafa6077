import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isWrite, UNSUPPORTED, type Engine, type EngineReply } from './engine.js';

export interface FakeTransitKey {
  /** As releases before 1.12 do: the field is not known, and left out without a word. */
  readonly ignoresAssociatedData?: boolean;
}

/** Encrypts with keys that it does not give out. */
export function transit(keys: ReadonlyMap<string, FakeTransitKey>): Engine {
  const secrets = new Map<string, Buffer>();
  const keyOf = (name: string): Buffer => {
    const key = secrets.get(name) ?? randomBytes(32);
    secrets.set(name, key);
    return key;
  };

  function encrypt(key: Buffer, plaintext: Buffer, bound: Buffer): EngineReply {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    cipher.setAAD(bound);
    const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return { status: 200, data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } };
  }

  function decrypt(key: Buffer, ciphertext: string, bound: Buffer): EngineReply {
    if (!ciphertext.startsWith('vault:v1:'))
      return { status: 400, errors: ['invalid ciphertext: no prefix'] };
    const sealed = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(bound);
      decipher.setAuthTag(sealed.subarray(-16));
      const clear = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      return { status: 200, data: { plaintext: clear.toString('base64') } };
    } catch {
      return { status: 400, errors: ['cipher: message authentication failed'] };
    }
  }

  return {
    type: 'transit',
    options: null,
    handle({ method, path, body }) {
      const [act, name = ''] = path.split('/');
      const kind = keys.get(name);
      if (!isWrite(method)) return UNSUPPORTED;
      if (!kind) return { status: 400, errors: ['encryption key not found'] };
      const text = (field: string): string => (typeof body[field] === 'string' ? body[field] : '');
      const bound = Buffer.from(kind.ignoresAssociatedData ? '' : text('associated_data'), 'base64');
      if (act === 'encrypt') return encrypt(keyOf(name), Buffer.from(text('plaintext'), 'base64'), bound);
      if (act === 'decrypt') return decrypt(keyOf(name), text('ciphertext'), bound);
      return UNSUPPORTED;
    },
  };
}
