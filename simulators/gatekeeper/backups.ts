/**
 * Backups of one event: files of JSON lines, encrypted under the exchanged secret when asked.
 */
import { createCipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from '#core/digest.ts';
import { tellCheckIn } from './answers.ts';
import type { Knobs } from './faults.ts';
import type { CheckInEntry, GateSystem } from './gate-system.ts';

const fileNames = ['attendance_records', 'participant_data'] as const;

export const backupRequest = z.object({
  backupType: z.enum(['full', 'incremental']),
  includeFiles: z.array(z.enum(fileNames)).min(1),
  encryption: z.boolean(),
});
export type BackupRequest = z.infer<typeof backupRequest>;

export type Backups = {
  create(system: GateSystem, wanted: BackupRequest, secret: string | undefined, knobs: Knobs, at: number): Record<string, unknown>;
  file(backupId: string, name: string): Buffer | undefined;
};

/** Older backups make room for newer ones. */
const kept = 4;

/** AES-256-GCM: 12 bytes of nonce, the ciphertext, 16 bytes of tag. The key is HKDF-SHA256 of the secret for `backup`. */
const encrypt = (plain: Buffer, secret: string): Buffer => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(hkdfSync('sha256', secret, '', 'backup', 32)), nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

const linesOf = (name: (typeof fileNames)[number], system: GateSystem, since: number, knobs: Knobs): string[] => {
  const passages = system.after(since, system.sequence).filter((entry): entry is CheckInEntry => entry.kind === 'checkIn');
  if (name === 'attendance_records') return passages.map((passage) => JSON.stringify(tellCheckIn(passage, knobs)));
  return [...new Set(passages.map(({ badgeId }) => badgeId))].map((badgeId) => JSON.stringify({ badgeId }));
};

export const createBackups = (): Backups => {
  const backups = new Map<string, Map<string, Buffer>>();
  let reached = 0;
  return {
    create(system, { backupType, includeFiles, encryption }, secret, knobs, at) {
      const since = backupType === 'incremental' && reached <= system.sequence ? reached : 0;
      const backupId = randomUUID();
      const files = new Map<string, Buffer>();
      const told = [...new Set(includeFiles)].map((name) => {
        const lines = linesOf(name, system, since, knobs);
        const plain = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const content = encryption && secret !== undefined ? encrypt(plain, secret) : plain;
        files.set(name, content);
        return { name, records: lines.length, bytes: content.length, sha256: sha256Hex(content), path: `backup/${backupId}/${name}` };
      });
      reached = system.sequence;
      backups.set(backupId, files);
      for (const oldest of [...backups.keys()].slice(0, -kept)) backups.delete(oldest);
      return { backupId, status: 'completed', backupType, createdAt: new Date(at).toISOString(), encryption: encryption ? 'aes-256-gcm' : 'none', sequence: { after: since, until: reached }, files: told };
    },
    file: (backupId, name) => backups.get(backupId)?.get(name),
  };
};
