/**
 * Each construct of the language, as the table in src/segment/README.md names it: expressions over the small world, and who is a member. `now` is
 * Friday, 2024-03-01 15:30:00.250 UTC. Of `nil` nothing is known.
 */
export const LANGUAGE_ROWS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'shape: implicit, $1, lambda': {
    'homeAddress.city = "Quebec"': 'ada',
    '$1.homeAddress.city = "Quebec"': 'ada',
    '(Profile) => Profile.homeAddress.city = "Quebec"': 'ada',
  },
  literals: {
    'person.name = "John Ada" and homeOwner = true and person.age = 38 and score = 1.5': 'ada',
    'person.age > -201': 'ada bob',
    'person.birthdate = date(1985, 3, 14)': 'ada',
    'date(99, 12, 31) < date(100, 1, 1) and person.birthdate > date(1, 1, 1)': 'ada bob',
    'person.birthMonth in [1, 4, 7, 3]': 'ada',
    '"\\u00e9\\"\\\\" = "é\\"\\\\"': 'ada bob nil',
  },
  'and, or': {
    'homeAddress.countryISO = "CA" and person.birthYear = 1985': 'ada',
    'homeAddress.countryISO = "CA" or person.birthYear = 1985': 'ada bob',
    'homeAddress.countryISO = "CA" or person.gender.isNull()': 'ada nil',
  },
  'not, !': {
    'not (homeAddress.countryISO = "CA")': 'bob',
    '!(homeAddress.countryISO = "CA")': 'bob',
    'not homeOwner': 'bob',
    'not (person.age > 39 and homeOwner)': 'ada bob',
  },
  if: {
    'if (homeAddress.countryISO = "CA", 1, 2) = 1': 'ada',
    'if (homeAddress.countryISO = "CA", 1, 2) = 2': 'bob nil',
    'if (homeOwner, homeAddress.city = "Quebec", person.age = 40)': 'ada bob',
    'if (homeOwner, orders, []).count() = 3': 'ada',
    'if (homeOwner, [], xEvent).count() = 3': 'bob',
  },
  comparisons: {
    // By code point: halves of surrogate pairs are smaller than what stands last in the basic plane.
    '"\uff61" < "😀" and ["😀", "\uff61"].max() = "😀"': 'ada bob nil',
    'person.birthMonth >= 3': 'ada bob',
    'person.birthMonth > 3': 'bob',
    'person.birthMonth != 3': 'bob',
    'person.birthMonth < 9': 'ada',
    'person.birthMonth <= 9': 'ada bob',
    'income > 100.0999': 'ada',
    'income = 100': 'bob',
    'person.birthdate < now': 'ada bob',
    'homeOwner != true': 'bob',
  },
  in: { 'person.birthMonth in [3, 6, 9]': 'ada bob', 'not (person.birthMonth in [3])': 'bob nil', '"red" in person.favoriteColors': 'ada' },
  'notIn is not the negation of in': {
    'person.birthMonth notIn [3, 6]': 'bob',
    'not (person.birthMonth notIn [3, 6])': 'ada nil',
    '"red" notIn person.favoriteColors': 'bob',
    'person.birthMonth notIn []': 'ada bob',
  },
  intersects: { 'person.favoriteColors.intersects(["red"])': 'ada', 'not person.favoriteColors.intersects(["red"])': 'bob nil' },
  intersection: {
    'person.favoriteColors.intersection(["blue", "red"]) = ["red", "blue"]': 'ada',
    'person.wanted.intersection(person.visited) = ["Rome", "Oslo"]': 'ada',
    'person.wanted.intersection(person.visited).count() = 0': 'bob nil',
    // Each once, however often it stands in either.
    'numbers.intersection([2, 3, 2]) = [3, 2]': 'ada',
  },
  'subsetOf, supersetOf': {
    'person.wanted.subsetOf(person.visited)': 'ada',
    'person.visited.supersetOf(person.wanted)': 'ada',
    'person.visited.subsetOf(person.wanted)': 'bob',
  },
  includes: { 'person.favoriteColors.includes("red")': 'ada', 'not person.favoriteColors.includes("red")': 'bob nil' },
  distinct: {
    'numbers.distinct().count() = 3': 'ada',
    'numbers.distinct() = [3, 1, 2]': 'ada',
    'orders.map(storeId).distinct().count() > 1': 'ada',
    'orders.distinct().count() = 3': 'ada',
    '[loyalty, loyalty].distinct().count() = 1': 'ada bob',
    '[counts, counts].distinct().count() = 1': 'ada bob',
    // Two of his three are of the same time, and still two.
    'xEvent.distinct().count() = 3': 'ada bob',
  },
  groupBy: {
    // In the order in which the values first stand.
    'numbers.groupBy(n => n).map(G => G.head()) = [3, 1, 2]': 'ada',
    'orders.groupBy(storeId).count() = 2': 'ada',
    'orders.groupBy(storeId).map(G => G.count()).max() = 2': 'ada',
    'xEvent.groupBy(eventType).count() = 3': 'ada',
    'orders.groupBy(o => o).count() = 3': 'ada',
    'xEvent.groupBy(E => E).count() = 3': 'ada bob',
    'xEvent.groupBy(E => E).filter(G => G.head().cur.isNull()).count() = 1': 'bob',
  },
  filter: {
    'orders.filter(price >= 21).count() = 2': 'ada',
    'orders.filter(o => o.price >= 21).count() = 0': 'bob nil',
    'orders[price >= 21].count() = 2': 'ada',
    'xEvent.filter(E => E.commerce.item.price = xEvent.max(commerce.item.price)).map(eventType).distinct().count() = 2': 'ada',
    'orders.filter(o => xEvent.count() + 2 = o.price).count() = 1': 'bob',
  },
  map: {
    'numbers.map(n => n * 2).max() = 6': 'ada',
    'orders.map(price).includes(5)': 'bob',
    'orders.storeId.distinct().count() = 2': 'ada',
    'xEvent.cur.includes("EUR")': 'ada',
  },
  'topN, bottomN, head': {
    'orders.topN(price, 2).head().price = 50': 'ada',
    'orders.bottomN(price, 1).head().price = 20': 'ada',
    'orders.topN(price, 1).head().storeId = "a"': 'ada bob',
    // Those of the same value keep the order of the array.
    'orders.bottomN(storeId, 1).head().price = 20 and orders.topN(storeId, 2).map(price) = [21, 20]': 'ada',
    'xEvent.topN(timestamp, 1).head().cur = "EUR"': 'ada',
    'numbers.head() = 3': 'ada',
    'numbers.head().isNull()': 'bob nil',
  },
  'get, keys, values': {
    'counts.get("x") = 1': 'ada',
    'counts.get("z").isNull()': 'ada bob nil',
    'counts.keys() = ["x", "y"]': 'ada',
    'counts.values().includes(7)': 'bob',
    'identityMap.keys().includes("Email")': 'ada bob',
    'identityMap.get("Email") = "ada@gmail.com"': 'ada',
    'identityMap.Email.isNotNull()': 'ada bob',
    'let m = identityMap in (m.get("Email") = "ada@gmail.com" and m.keys().count() = 2)': 'ada',
    'if (homeOwner, identityMap, null).values().includes("ada")': 'ada',
    '[identityMap].count() = 1 and identityMap.isNotNull()': 'ada bob nil',
  },
  like: { 'homeAddress.city like "%e%"': 'ada bob', 'homeAddress.city like "Q_ebec"': 'ada', 'homeAddress.city like "q%"': '' },
  'startsWith, doesNotStartWith': {
    'person.name.startsWith("JOHN", true) or person.name.equals("JOHN ADA", true)': '',
    'person.name.startsWith("John")': 'ada',
    'person.name.startsWith("John", false)': 'ada bob',
    'person.name.doesNotStartWith("John")': 'bob',
  },
  'endsWith, doesNotEndWith': { 'identityMap.Email.endsWith(".com")': 'ada bob', 'person.name.doesNotEndWith("ada", false)': 'bob' },
  'contains, doesNotContain': { 'identityMap.Email.contains("ada@gm")': 'ada', 'identityMap.Email.doesNotContain("ada@gm")': 'bob' },
  'equals, notEqualTo': { 'person.gender.equals("FEMALE", false)': 'ada', 'person.gender.equals("FEMALE")': '', 'person.gender.notEqualTo("male")': 'ada' },
  matches: { 'person.name.matches("(?i)^John")': 'ada bob', 'person.name.matches("\\\\w+ Ada$")': 'ada' },
  regexGroup: { 'identityMap.Email.regexGroup("@(\\\\w+)", 1) = "gmail"': 'ada', 'person.name.regexGroup("(x)", 1).isNull()': 'ada bob nil' },
  'isNull, isNotNull': {
    'homeAddress.isNull()': 'nil',
    'homeAddress.isNotNull()': 'ada bob',
    'loyalty.isNull()': 'nil',
    'loyalty.tier.isNull()': 'bob nil',
    'person.visited.isNull()': 'nil',
  },
  arithmetic: {
    // More digits than a double has on the way to one.
    '9105348686270.837 / 1 = 9105348686270.837e0': 'ada bob nil',
    'person.age % 5 = 0': 'bob',
    'person.age + 2 = 40': 'ada',
    'person.age - 2 = 38': 'bob',
    'person.age * 2 = 80': 'bob',
    'person.age / 2 = 19': 'ada',
    'person.age / (person.age - 40) > 0 or person.age / 0 = 1': '',
    '-person.age = -38': 'ada',
    'person.age / 0 > 1': '',
    // Infinity less infinity.
    '1e308 * 10 - 1e308 * 10 > score': 'ada bob',
    'income + 0.05 = 100.15': 'ada',
    '2 + 3 * 4 = 14 and (2 + 3) * 4 = 20': 'ada bob nil',
  },
  'count, sum, average, min, max': {
    'orders.count() = 3': 'ada',
    'orders.count() = 0': 'nil',
    'orders.sum(price) = 91': 'ada',
    'orders.sum(price) = 0': 'nil',
    'numbers.sum() = 9': 'ada',
    'orders.average(price) = 5': 'bob',
    'orders.average(price).isNull()': 'nil',
    'orders.min(price) = 20': 'ada',
    'orders.max(price) = 50': 'ada',
    'xEvent.sum(commerce.item.price) = 130': 'ada',
    'xEvent.average(commerce.item.price) = 3': 'bob',
    'xEvent[cur = "USD"].count() = 2': 'ada bob',
  },
  'sum … over … from': {
    'let S = (sum X.commerce.item.price over X from xEvent where X.cur = "USD") in (S > 4 and S < 1000)': 'ada bob',
    '(max X.price over X from orders) = 50': 'ada',
  },
  'dates: currentMonth, getMonth and their like': {
    'person.birthMonth = currentMonth()': 'ada',
    'currentYear() = 2024 and currentDayOfMonth() = 1': 'ada bob nil',
    'person.birthdate.getMonth() = 2 and person.birthdate.getYear() = 1984 and person.birthdate.getDayOfMonth() = 29': 'bob',
  },
  'occurs: distance': {
    'person.lastLogin occurs <= 1 days before now': 'ada bob',
    'person.lastLogin occurs < 15 hours before now': '',
    'person.lastLogin occurs > 15 hours before now': 'ada bob',
    'person.lastLogin occurs >= 1 days before today': '',
    'person.lastLogin occurs <= 1 millisecond before today': 'ada bob',
    'person.lastLogin occurs < 1 millisecond before today': 'ada',
    'person.lastLogin occurs = 1 days before now': 'bob',
    'person.lastLogin occurs != 1 days before now': 'ada',
    'person.lastLogin occurs <= 1 days after date(2024, 2, 29)': 'ada bob',
    'person.lastLogin occurs < 1 days from date(2024, 2, 29)': 'bob',
    'date(2000, 6, 1) occurs = 1 century after person.birthdate': '',
    'date(2001, 1, 1) occurs = 1 century after person.birthdate': 'ada bob',
  },
  'occurs: before, after': {
    'person.lastLogin occurs before today': 'bob',
    'person.lastLogin occurs after yesterday': 'ada',
    'person.lastLogin occurs after date(2024, 2, 28)': 'ada bob',
    'person.lastLogin occurs after now': '',
    'person.birthdate occurs before person.lastLogin': 'ada bob',
  },
  'occurs: on': {
    'person.lastLogin occurs today': 'ada',
    'person.lastLogin occurs yesterday': 'bob',
    'person.lastLogin occurs on date(2024, 2, 29)': 'bob',
    'person.lastLogin occurs this month': 'ada',
    'person.lastLogin occurs last month': 'bob',
    'person.lastLogin occurs this week': 'ada bob',
    'person.lastLogin occurs last week': '',
    'exists E from xEvent where E.timestamp occurs next month': 'bob',
    'person.birthdate occurs on date(1984, 2, 29)': 'bob',
  },
  'occurs: between': {
    'person.lastLogin occurs between yesterday and today': 'ada bob',
    'person.lastLogin occurs between today and now': 'ada',
    'person.lastLogin occurs between date(2024, 2, 1) and date(2024, 2, 29)': 'bob',
  },
  'relative times: units': {
    'person.lastLogin occurs this year and person.birthdate occurs this century': '',
    'person.birthdate occurs last century and person.birthdate occurs last millennium': 'ada bob',
    'person.birthdate occurs <= 4 decades before now': 'ada',
    'person.birthdate occurs >= 480 months before now': 'bob',
    'person.birthdate occurs < 2087 weeks before date(2024, 3, 1)': 'ada',
  },
  'now, today': { 'person.lastLogin < now and person.lastLogin >= today': 'ada' },
  'filter [] and ^': {
    // Of one pass: two questions that have a part in common, and one that has none of it.
    'xEvent[cur = "USD" and eventType = "view"].count() = 1 and xEvent[cur = "USD" and eventType = "addToCart"].count() = 1 and xEvent[commerce.item.price > 50].count() = 2':
      'ada',
    // The inner one compares with an attribute, the outer one does not.
    'xEvent[commerce.item.price < income][cur = "USD"].count() = 2': 'ada',
    // Two that differ in their third part alone.
    'xEvent[cur = "USD" and eventType = "purchase" and commerce.item.price > 4] and not xEvent[cur = "USD" and eventType = "purchase" and commerce.item.price > 9]':
      'bob',
    'xEvent[productListItems[SKU="PS"]]': 'ada',
    'xEvent[productListItems[SKU="XX" or ^^.person.gender="female"]]': 'ada',
    'xEvent[productListItems[SKU="AI" and ^.eventType = "addToCart"]].count() = 1': 'ada',
    'orders[price > 20].count() = 2': 'ada',
  },
  'exists, several bindings': {
    'exists E from xEvent where E.cur = "EUR", I from E.productListItems where I.SKU = "PS"': '',
    'exists E from xEvent where (E.commerce.item.price > 50), I from E.productListItems where I.SKU = "PS"': 'ada',
    'exists E from xEvent : E.cur = "EUR"': 'ada',
    'exists C from person.favoriteColors where C = "green"': 'bob',
    'not (exists E from xEvent where E.eventType = "purchase")': 'nil',
    'exists E from xEvent where E.commerce.item.price < income': 'ada bob',
    'exists E from xEvent.filter(F => F.commerce.item.price = xEvent.max(commerce.item.price)) where E.eventType = "view"': '',
    'orders.filter(o => exists E from xEvent where E.cur = "USD").count() = 1': 'bob',
  },
  forall: {
    'forall E from xEvent where E.commerce.item.price > 1': 'ada nil',
    'forall C from person.favoriteColors: C.endsWith("e") or C = "red"': 'ada nil',
    'not (forall E from xEvent where E.cur = "USD")': 'ada bob',
    // What lies before the window is what counts here.
    '(forall E from xEvent where E.timestamp occurs today) and xEvent[timestamp occurs <= 1 days before now].count() >= 1': '',
  },
  let: {
    'let A = (person.age + 1) in (A = 39 or A = 41)': 'ada bob',
    'let P = xEvent[eventType = "purchase"] in (P.count() = 1 and P.sum(commerce.item.price) > 50)': 'ada',
  },
  select: {
    'select E from xEvent where E.eventType = "addToCart"': 'ada bob',
    '(select E from xEvent where E.cur = "USD").count() = 2': 'ada bob',
    'select N from numbers where N > 2': 'ada',
  },
  inSegment: {
    'inSegment("canadians")': 'ada',
    'not inSegment("canadians")': 'bob nil',
    'if (homeOwner, (inSegment("last-in-euro") and homeOwner), homeOwner)': 'ada',
    'inSegment("last-in-euro") = true and xEvent.bottomN(commerce.item.price, 1).head().eventType = "view"': 'ada',
    'exists E from xEvent where (E.eventType = "view" and inSegment("last-in-euro"))': 'ada',
    'inSegment("not-canadians") and xEvent.count() > 0': 'bob',
  },
  'chain, one step': {
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart") WHEN(< 48 hours before now)])': 'ada bob',
    'CHAIN(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(today)])': 'ada bob',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view") WHEN(today)])': '',
    'not(chain(xEvent, timestamp, [A: WHAT(eventType = "purchase")]))': 'nil',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHERE(cur = "EUR")])': 'ada',
  },
  'chain, COUNT': {
    'chain(xEvent, timestamp, [A: WHAT(cur = "USD") COUNT(2)])': 'ada bob',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") COUNT(2)])': 'bob',
    // Conditions that one event alone does not decide.
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view"), B: WHAT(xEvent.count() > 0) COUNT(2)])': 'ada',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart"), B: WHAT(xEvent.count() > 0) COUNT(2)])': '',
  },
  'chain, ordered steps': {
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart"), B: WHAT(eventType = "purchase")])': 'ada bob',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart"), B: WHAT(eventType = "purchase") WHEN(before now)])': 'ada',
    'chain(xEvent, timestamp, [C0: WHAT(eventType = "view"), C1: WHAT(eventType = "addToCart"), C2: WHAT(eventType = "purchase")])': 'ada',
    'chain(xEvent, timestamp, [C0: WHAT(eventType = "purchase"), C1: WHAT(eventType = "addToCart")])': '',
    'chain(xEvent, timestamp, [A: WHAT(cur = "USD") COUNT(2), B: WHAT(eventType = "purchase")])': 'ada bob',
    // His two first ones are of the same time.
    'chain(xEvent, timestamp, [A: WHAT(eventType = "purchase"), B: WHAT(eventType = "addToCart"), C: WHAT(eventType = "purchase")])': '',
    'chain(xEvent, timestamp, [A: WHAT(timestamp occurs != 1 days after date(2024, 2, 29)), B: WHAT(eventType = "addToCart")])': 'ada',
    // By another time than the one that is asked of.
    'chain(xEvent, shipped, [A: WHAT(timestamp occurs <= 7 days before now and eventType = "view")])': '',
    'chain(xEvent, shipped, [A: WHAT(timestamp occurs today), B: WHAT(eventType = "addToCart")])': 'ada',
  },
  'WHEN includes its boundary': {
    // Of one pass: the window that begins first has events before the other one begins.
    'xEvent[timestamp occurs <= 3 days after date(2024, 2, 28) and cur = "USD"].count() = 2 and xEvent[timestamp occurs <= 3 days after date(2024, 2, 29) and cur = "EUR"].count() = 1':
      'ada',
    'xEvent[timestamp occurs <= 2 days before date(2024, 3, 1) and cur = "USD"].count() = 2 and xEvent[timestamp occurs <= 1 days before date(2024, 3, 1) and cur = "USD"].count() = 1':
      'ada',
    // Windows of another time than the events' own.
    'xEvent[shipped occurs <= 13 hours before date(2024, 3, 1) and cur = "USD"].count() = 1 and xEvent[shipped occurs <= 13 hours before date(2024, 3, 1) and cur = "EUR"].count() = 0':
      'ada',
    // The whole month, which begins before the day that it is reckoned from.
    'xEvent[timestamp occurs = 1 months after date(2024, 1, 31) and cur = "USD"].count() = 2 and xEvent[timestamp occurs = 1 months after date(2024, 1, 31) and cur = "EUR"].count() = 0':
      'ada',
    // Two windows that begin at different times, of one pass.
    'xEvent[timestamp occurs <= 3 days after date(2024, 2, 28) and cur = "USD"].count() = 2 and xEvent[timestamp occurs <= 3 days after date(2024, 2, 27) and cur = "EUR"].count() = 0':
      'ada bob',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view") WHEN(<= 53 hours before date(2024, 3, 1))])': 'ada',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view") WHEN(<= 38 hours before date(2024, 3, 1))])': 'ada',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view") WHEN(< 38 hours before date(2024, 3, 1))])': '',
  },
  'events of the future are not before now': {
    'xEvent[timestamp occurs <= 90 days before now].count() = 2': 'bob',
    'xEvent.count() = 3': 'ada bob',
  },
  'months end where they end': {
    'date(2024, 2, 29) occurs = 1 years after date(2023, 3, 1)': 'ada bob nil',
    'date(2024, 2, 29) occurs >= 1 months before date(2024, 3, 31)': 'ada bob nil',
    'date(2023, 2, 28) occurs >= 1 years before date(2024, 2, 29)': 'ada bob nil',
  },
};
