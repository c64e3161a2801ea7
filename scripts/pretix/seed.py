"""
Fills a fresh pretix with what the tests need and prints it as one line of JSON.

Two organizers (the second one proves that a token sees only its own), and for the first one: a conference with three
check-in lists, a concert with two, and a workshop series with two dates and a list for each and for both.
"""
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import django

django.setup()

from django.db import transaction  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402
from i18nfield.strings import LazyI18nString  # noqa: E402
from pretix.base.models import Organizer, Team  # noqa: E402

START = (datetime.now(timezone.utc) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)


def organizer_with_token(name, slug):
    organizer = Organizer.objects.create(name=name, slug=slug)
    team = Team.objects.create(
        organizer=organizer, name='Hub', all_events=True, all_event_permissions=True, all_organizer_permissions=True
    )
    return organizer, team.tokens.create(name='eventgraph').token


def event(organizer, slug, name, zone, has_subevents=False):
    created = organizer.events.create(
        slug=slug, name=LazyI18nString(name), currency='EUR', live=True, is_public=True, has_subevents=has_subevents,
        date_from=START, date_to=START + timedelta(hours=8), plugins='pretix.plugins.manualpayment',
        location=LazyI18nString({'en': 'Hall 1\n1 Main Street'}),
    )
    created.settings.timezone = zone
    created.settings.locales = list(name)
    created.settings.locale = 'en'
    return created


def products(of, names, size, subevents=(None,)):
    items = [
        of.items.create(name=LazyI18nString(name), default_price=Decimal(price), admission=admission, position=place)
        for place, (name, price, admission) in enumerate(names)
    ]
    for subevent in subevents:
        quota = of.quotas.create(name='All', size=size, subevent=subevent)
        quota.items.add(*items)
    return items


def describe(of, items, lists, subevents=()):
    return {
        'slug': of.slug,
        'items': {str(item.name): item.pk for item in items},
        'lists': {each.name: each.pk for each in lists},
        'subevents': [each.pk for each in subevents],
    }


def conference(organizer):
    of = event(organizer, 'conf', {'en': 'Tech Conference', 'de': 'Technikkonferenz'}, 'Asia/Seoul')
    items = products(of, [({'en': 'Regular', 'de': 'Normal'}, '49.00', True), ({'en': 'Student'}, '25.00', True), ({'en': 'Shirt'}, '15.00', False)], 100_000)
    lists = [
        of.checkin_lists.create(name='Main', all_products=True),
        of.checkin_lists.create(name='Students', all_products=False, allow_multiple_entries=True),
        of.checkin_lists.create(name='Unpaid too', all_products=True, include_pending=True),
    ]
    lists[1].limit_products.add(items[1])
    return describe(of, items, lists)


def concert(organizer):
    of = event(organizer, 'concert', {'de': 'Sommerkonzert', 'en': 'Summer Concert'}, 'Europe/Berlin')
    items = products(of, [({'en': 'Standing'}, '30.00', True), ({'en': 'Seated'}, '60.00', True)], 100_000)
    lists = [
        of.checkin_lists.create(name='Doors', all_products=True),
        of.checkin_lists.create(name='One way', all_products=True, allow_entry_after_exit=False),
    ]
    return describe(of, items, lists)


def series(organizer):
    of = event(organizer, 'workshops', {'en': 'Workshops', 'fr': 'Ateliers'}, 'America/New_York', has_subevents=True)
    dates = [
        of.subevents.create(
            name=LazyI18nString({'en': f'Workshop {number}'}), active=True, is_public=True,
            date_from=START + timedelta(days=number), date_to=START + timedelta(days=number, hours=2),
        )
        for number in (1, 2)
    ]
    items = products(of, [({'en': 'Seat'}, '0.00', True)], 100_000, dates)
    lists = [of.checkin_lists.create(name=f'Date {number}', all_products=True, subevent=date) for number, date in enumerate(dates, 1)]
    lists.append(of.checkin_lists.create(name='All dates', all_products=True))
    return describe(of, items, lists, dates)


with scopes_disabled(), transaction.atomic():
    ours, token = organizer_with_token('Acme Events', 'acme')
    gate = ours.gates.create(name='North')
    events = [conference(ours), concert(ours), series(ours)]
    other, other_token = organizer_with_token('Somebody Else', 'else')
    other_event = event(other, 'secret', {'en': 'Not yours'}, 'UTC')
    print(json.dumps({
        'organizer': ours.slug, 'token': token, 'gate': gate.pk, 'events': events,
        'other': {'organizer': other.slug, 'token': other_token, 'event': other_event.slug},
    }))
