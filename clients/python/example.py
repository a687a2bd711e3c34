"""Creates an account and a subscription, emits an event, and shows what became of its delivery.

    PIGEONPOST_URL=http://127.0.0.1:8080 PIGEONPOST_KEY=… python example.py https://example.com/hook
"""

import os
import sys
import time

from pigeonpost import AuthenticatedClient
from pigeonpost.api.accounts import create_account
from pigeonpost.api.deliveries import get_delivery
from pigeonpost.api.events import create_account_event
from pigeonpost.api.subscriptions import create_account_subscription, get_subscription_secret
from pigeonpost.models import CreateAccountBody, CreateAccountEventBodyType0, CreateAccountSubscriptionBody

client = AuthenticatedClient(
    base_url=os.environ["PIGEONPOST_URL"], token=os.environ["PIGEONPOST_KEY"], raise_on_unexpected_status=True
)

account = create_account.sync(
    client=client, body=CreateAccountBody.from_dict({"provider": "standard", "name": "Acme"})
)
subscription = create_account_subscription.sync(
    account.id,
    client=client,
    body=CreateAccountSubscriptionBody.from_dict({"url": sys.argv[1], "eventTypes": ["user.created"]}),
)
secret = get_subscription_secret.sync(subscription.id, client=client)
accepted = create_account_event.sync(
    account.id,
    client=client,
    body=CreateAccountEventBodyType0.from_dict({"type": "user.created", "data": {"id": 7}}),
)
delivery_id = accepted.deliveries[0].id
while (delivery := get_delivery.sync(delivery_id, client=client)).state not in ("delivered", "failed", "cancelled"):
    time.sleep(0.2)
print(delivery.id, delivery.state, secret.secret)
