/** The only list of providers. A new one is a folder beside this file and two lines here. */
import type { AnyContract } from '../contract/types.js';
import { contract as bird } from './bird/contract.js';
import { contract as postack } from './postack/contract.js';
import { contract as postmark } from './postmark/contract.js';
import { contract as postpress } from './postpress/contract.js';
import { contract as postscript } from './postscript/contract.js';
import type { RegistrationRoutes } from './registration.js';
import { contract as standard } from './standard/contract.js';

export const contracts: readonly AnyContract[] = [postscript, postack, postpress, postmark, bird, standard];

const byProvider = new Map(contracts.map((contract) => [contract.provider, contract]));

/** The providers' own registration APIs. */
export const registrationApis: readonly RegistrationRoutes[] = [];

/** The contract of a provider by its name, or undefined. */
export function findContract(provider: string): AnyContract | undefined {
  return byProvider.get(provider);
}

/** The contract of a provider whose name comes from our own rows. */
export function contractOf(provider: string): AnyContract {
  const contract = byProvider.get(provider);
  if (!contract) throw new Error(`no contract for provider ${provider}`);
  return contract;
}
