// What a thread of BullMQ's sandbox runs.
import { work } from './work.mjs';

export default async ({ name, data }) => work[name](data);
