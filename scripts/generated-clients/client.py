"""Opens, clears and reads a report with the client that was generated from /openapi.json."""
import sys
import time

from closeout_client import AuthenticatedClient
from closeout_client.api.trouble_ticket import create_trouble_ticket, patch_trouble_ticket, retrieve_trouble_ticket
from closeout_client.models import TroubleTicketCreate, TroubleTicketStatusType, TroubleTicketUpdate

url, token = sys.argv[1:3]
client = AuthenticatedClient(base_url=url, token=token)
opened = create_trouble_ticket.sync(
    client=client,
    body=TroubleTicketCreate(description="No dial tone", severity="minor", ticket_type="fault"),
)
print(f"opened {opened.id}: {opened.status}")
cleared = TroubleTicketUpdate(status=TroubleTicketStatusType.RESOLVED)
patch_trouble_ticket.sync(id=opened.id, client=client, body=cleared)
for _ in range(100):
    ticket = retrieve_trouble_ticket.sync(id=opened.id, client=client)
    if ticket.status == TroubleTicketStatusType.CLOSED:
        break
    time.sleep(0.1)
print(f"read {ticket.id}: {ticket.status}")
sys.exit(ticket.status != TroubleTicketStatusType.CLOSED)
