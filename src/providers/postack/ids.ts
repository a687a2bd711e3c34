/** Ids in Svix's form, each with the part of ours behind its prefix. */
import { idSuffix } from '../../contract/ids.js';

/** The id of an attempt: that of its delivery and its number. */
export const attemptId = ({ deliveryId, number }: { readonly deliveryId: string; readonly number: number }): string =>
  `atmpt_${idSuffix(deliveryId)}${number.toString(36)}`;
