// Builds the dashboard alone, where it has changed.
import { ensureDashboard } from './lib/dashboard.mjs';

await ensureDashboard();
