/** The only list of providers. A new provider needs a folder beside this file and two lines here. */
import type { AnyContract } from '../contract/types.js';
import { reference as birdReference } from './bird/registration/reference.js';
import { routes as birdRoutes } from './bird/registration/router.js';
import { contract as bird } from './bird/contract.js';
import { routes as postackRoutes } from './postack/registration/router.js';
import { contract as postack } from './postack/contract.js';
import { reference as postmarkReference } from './postmark/registration/reference.js';
import { routes as postmarkRoutes } from './postmark/registration/router.js';
import { contract as postmark } from './postmark/contract.js';
import { reference as postpressReference } from './postpress/registration/reference.js';
import { routes as postpressRoutes } from './postpress/registration/router.js';
import { contract as postpress } from './postpress/contract.js';
import { reference as postscriptReference } from './postscript/registration/reference.js';
import { routes as postscriptRoutes } from './postscript/registration/router.js';
import { contract as postscript } from './postscript/contract.js';
import type { RegistrationReference, RegistrationRoutes } from './registration.js';
import { contract as standard } from './standard/contract.js';

export const contracts: readonly AnyContract[] = [postscript, postack, postpress, postmark, bird, standard];

const byProvider = new Map(contracts.map((contract) => [contract.provider, contract]));

/** The providers' own registration APIs. */
export const registrationApis: readonly RegistrationRoutes[] = [
  birdRoutes,
  postpressRoutes,
  postmarkRoutes,
  postackRoutes,
  postscriptRoutes,
];

/** What the API reference shows of these APIs. */
export const registrationReferences: readonly RegistrationReference[] = [
  postscriptReference,
  postpressReference,
  postmarkReference,
  birdReference,
];

/** The contract of a provider by name, or undefined. */
export function findContract(provider: string): AnyContract | undefined {
  return byProvider.get(provider);
}

/** The contract of a provider whose name comes from the database. */
export function contractOf(provider: string): AnyContract {
  const contract = byProvider.get(provider);
  if (!contract) throw new Error(`no contract for provider ${provider}`);
  return contract;
}
