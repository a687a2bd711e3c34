/* global location, localStorage */
// Sets the columns of the list of workflows in Temporal's web interface, in this browser. Open the namespace's list, paste
// this into the browser's console (F12), and press Enter.
(() => {
  const [, namespace] = /\/namespaces\/([^/]+)/.exec(location.pathname) ?? [];
  if (namespace === undefined) throw new Error('open the list of workflows of a namespace first');
  // Where the interface (2.42.1) keeps them.
  const key = 'namespace-workflow-table-columns';
  const labels = [
    'Status',
    'Workflow ID',
    'Start',
    'PigeonpostProvider',
    'PigeonpostEventType',
    'PigeonpostSubscription',
  ];
  const all = JSON.parse(localStorage.getItem(key) ?? '{}');
  all[decodeURIComponent(namespace)] = labels.map((label) => ({ label }));
  localStorage.setItem(key, JSON.stringify(all));
  location.reload();
})();
