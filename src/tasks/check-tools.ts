import { definePeriodicTask } from '../workers/define-task.ts';
import { documentTools } from '../workers/shared/document-tools.ts';

export default definePeriodicTask({
  description: 'Looks whether the programs that read documents are there, as heddle doctor does',
  emoji: '🩺',
  every: '1 hour',
  timeoutSeconds: 60,
  async run({ log }) {
    const findings = await documentTools(process.env.OCR_LANGUAGES?.trim() || undefined);
    for (const { well, what } of findings) if (well !== true) log.warn(what);
    return { tools: findings.map(({ what }) => what) };
  },
});
