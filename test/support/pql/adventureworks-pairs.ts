/** An expression and, written by hand for the same people over `c`, `p` and `o`, SQL for their ids; `now` is the last day unless said. */
export type Pair = readonly [pql: string, byHand: string, now?: number];

const LATE_JUNE = Date.UTC(2013, 5, 30);

/** For each construct of the language (a row of src/segment/README.md) expressions about AdventureWorks. */
export const ADVENTUREWORKS_PAIRS: Readonly<Record<string, readonly Pair[]>> = {
  'shape: implicit, $1, lambda': [
    ['homeAddress.city = "Berlin"', "select customer_id from c where city = 'Berlin'"],
    ['$1.homeAddress.city = "Paris" and $1.children > 2', "select customer_id from c where city = 'Paris' and total_children > 2"],
    ['(Customer) => Customer.homeAddress.city = "Paris" and Customer.homeOwner', "select customer_id from c where city = 'Paris' and house_owner"],
    ['contact.mail.user = "jon24"', "select customer_id from c where email like 'jon24@%'"],
    ['household.home.owner and household.cars = 4', 'select customer_id from c where house_owner and cars_owned = 4'],
  ],
  literals: [
    ['children > -1 and income in [10000, 2e4, 30000.00]', 'select customer_id from c where yearly_income in (10000, 20000, 30000)'],
    ['person.birthDate = date(1971, 10, 6) or title = "Sr\\u0061."', "select customer_id from c where birth_date = date '1971-10-06' or title = 'Sra.'"],
    [
      'homeOwner = false and colors.late = ["Black", "NA"]',
      "select customer_id from c where not house_owner and customer_id in (select customer_id from p where order_date >= date '2013-07-01' group by 1 having count(distinct color) = 2 and min(color) = 'Black' and max(color) = 'NA')",
    ],
  ],
  'and, or': [
    [
      'homeAddress.countryCode = "FR" or homeAddress.countryCode = "DE" and homeOwner or children = 5 and cars = 4',
      "select customer_id from c where country_code = 'FR' or (country_code = 'DE' and house_owner) or (total_children = 5 and cars_owned = 4)",
    ],
  ],
  'not, !': [
    ['not (title = "Mr.")', "select customer_id from c where title in (select title from c where title <> 'Mr.')"],
    ['!(homeOwner) and !(income > 50000)', 'select customer_id from c where house_owner = false and yearly_income <= 50000'],
    ['not (title = "Mr." and children = 1)', "select customer_id from c where title <> 'Mr.' or total_children <> 1"],
  ],
  if: [
    [
      'if (title.isNull(), children, cars) = 2',
      'select customer_id from c where (title is null and total_children = 2) or (title is not null and cars_owned = 2)',
    ],
    [
      'if (title = "Ms.", income > 60000, income < 20000)',
      "select customer_id from c where (title = 'Ms.' and yearly_income > 60000) or (title is distinct from 'Ms.' and yearly_income < 20000)",
    ],
  ],
  comparisons: [
    ['person.birthDate <= date(1930, 1, 1)', "select customer_id from c where birth_date <= '1930-01-01'"],
    ['person.name.firstName >= "Y" and person.name.firstName < "Z"', "select customer_id from c where first_name[1] = 'Y'"],
    ['children != cars and children > cars', 'select customer_id from c where total_children > cars_owned'],
    ['income = children * 40000', 'select customer_id from c where yearly_income = total_children * 40000'],
  ],
  in: [
    ['xEvent[quantity > 1].count() = 0 and children in [1, 2]', 'select customer_id from c where total_children in (1, 2)'],
    ['not (title in ["Mr."])', "select customer_id from c where title is null or title <> 'Mr.'"],
    ['"Red" in colors.early', "select distinct customer_id from p where color = 'Red' and order_date < date '2013-07-01'"],
    ['children in [cars, cars + 1]', 'select customer_id from c where total_children = cars_owned or total_children = cars_owned + 1'],
  ],
  'notIn is not the negation of in': [
    ['title notIn ["Mr."]', "select customer_id from c where title is not null and title <> 'Mr.'"],
    ['"Red" notIn colors.early', "select customer_id from p where order_date < date '2013-07-01' group by 1 having count(*) filter (color = 'Red') = 0"],
    [
      'not ("Red" notIn colors.early)',
      "select customer_id from c except select customer_id from p where order_date < date '2013-07-01' group by 1 having not bool_or(color = 'Red')",
    ],
  ],
  intersects: [
    ['colors.early.intersects(["Red", "Blue"])', "select distinct customer_id from p where color in ('Red', 'Blue') and order_date < date '2013-07-01'"],
    [
      'not colors.early.intersects(colors.late)',
      "select customer_id from c except select a.customer_id from p a join p b using (customer_id, color) where a.order_date < date '2013-07-01' and b.order_date >= date '2013-07-01'",
    ],
  ],
  intersection: [
    [
      'colors.early.intersection(colors.late) = ["Black"]',
      `select customer_id from (select customer_id, color from p where order_date < date '2013-07-01' intersect select customer_id, color from p where order_date >= date '2013-07-01')
       group by 1 having count(*) = 1 and min(color) = 'Black'`,
    ],
    [
      'categories.intersection(["Clothing", "Bikes"]) = ["Clothing", "Bikes"]',
      "select a.customer_id from (select customer_id, min((order_date, order_number, line_number)) as first from p where category = 'Clothing' group by 1) a join (select customer_id, min((order_date, order_number, line_number)) as first from p where category = 'Bikes' group by 1) b using (customer_id) where a.first < b.first",
    ],
  ],
  'subsetOf, supersetOf': [
    [
      'colors.early.subsetOf(colors.late)',
      `select distinct a.customer_id from p a where a.order_date < date '2013-07-01' and exists (from p b where b.customer_id = a.customer_id and b.order_date >= date '2013-07-01')
       and not exists (from p x where x.customer_id = a.customer_id and x.order_date < date '2013-07-01' and x.color not in (select color from p y where y.customer_id = x.customer_id and y.order_date >= date '2013-07-01'))`,
    ],
    [
      'colors.late.supersetOf(["Red", "Black"])',
      "select customer_id from p where order_date >= date '2013-07-01' and color in ('Red', 'Black') group by 1 having count(distinct color) = 2",
    ],
  ],
  includes: [
    ['colors.late.includes("Silver")', "select distinct customer_id from p where color = 'Silver' and order_date >= date '2013-07-01'"],
    [
      'not categories.includes("Accessories") and categories.includes("Bikes")',
      "select customer_id from p group by 1 having bool_or(category = 'Bikes') and not bool_or(category = 'Accessories')",
    ],
  ],
  distinct: [
    ['xEvent.map(orderNumber).distinct().count() >= 2', 'select customer_id from p group by 1 having count(distinct order_number) >= 2'],
    [
      'categories.distinct() = ["Bikes", "Accessories", "Clothing"]',
      "select customer_id from p group by 1 having min((order_date, order_number, line_number)) filter (category = 'Bikes') < min((order_date, order_number, line_number)) filter (category = 'Accessories') and min((order_date, order_number, line_number)) filter (category = 'Accessories') < min((order_date, order_number, line_number)) filter (category = 'Clothing')",
    ],
    ['orders.map(total).distinct().count() < orders.count()', 'select customer_id from o group by 1 having count(distinct total) < count(*)'],
  ],
  groupBy: [
    ['xEvent.groupBy(product.category).count() = 3', 'select customer_id from p group by 1 having count(distinct category) = 3'],
    [
      'orders.groupBy(date).map(G => G.count()).max() > 1',
      'select distinct customer_id from (select customer_id from o group by customer_id, date having count(*) > 1)',
    ],
    [
      'orders.groupBy(lines.count()).filter(G => G.sum(total) > 3000).count() = 2',
      'select customer_id from (select customer_id from o group by customer_id, size having sum(total) > 3000) group by 1 having count(*) = 2',
    ],
  ],
  filter: [
    [
      'orders.filter(total >= 2000 and lines.count() = 1).count() >= 2',
      'select customer_id from o where total >= 2000 and size = 1 group by 1 having count(*) >= 2',
    ],
    ['orders.filter(O => O.total < children).count() > 0', 'select distinct customer_id from o join c using (customer_id) where total < total_children'],
  ],
  map: [
    ['orders.map(O => O.total * 2).max() > 7000', 'select customer_id from o group by 1 having max(total) * 2 > 7000'],
    [
      'orders.total.max() > 3570 and xEvent.color.distinct().count() = 5',
      'select customer_id from p where customer_id in (select customer_id from o where total > 3570) group by 1 having count(distinct color) = 5',
    ],
  ],
  'topN, bottomN, head': [
    [
      'xEvent.topN(timestamp, 1).head().timestamp occurs this month',
      "select customer_id from p group by 1 having max(order_date) >= date_trunc('month', date '2014-01-28')",
    ],
    [
      'orders.topN(total, 2).bottomN(total, 1).head().total > 2000',
      'select customer_id from (select *, row_number() over (partition by customer_id order by total desc, date, number) as n, count(*) over (partition by customer_id) as many from o) where n = least(many, 2) and total > 2000',
    ],
    [
      'orders.bottomN(total, 1).head().date occurs last month',
      "select customer_id from o group by 1 having arg_min(date, (total, date, number)) between date '2013-12-01' and date '2013-12-31'",
    ],
    ['categories.head() = "Clothing"', "select customer_id from p group by 1 having arg_min(category, (order_date, order_number, line_number)) = 'Clothing'"],
  ],
  'get, keys, values': [
    ['spend.get("Bikes") > 5000', "select customer_id from p where category = 'Bikes' group by 1 having sum(amount) > 5000"],
    ['spend.get("Clothing").isNull()', "select customer_id from c where customer_id not in (select customer_id from p where category = 'Clothing')"],
    [
      'spend.keys().count() = 3 and spend.values().min() < 10',
      'select customer_id from (select customer_id, sum(amount) as total from p group by customer_id, category) group by 1 having count(*) = 3 and min(total) < 10',
    ],
    ['lines.get("Clothing") = 4', "select customer_id from p where category = 'Clothing' group by 1 having count(*) = 4"],
    ['lines.values().sum() = 10', 'select customer_id from p group by 1 having count(*) = 10'],
    ['identityMap.get("Email").startsWith("z")', "select customer_id from c where email like 'z%'"],
  ],
  like: [
    ['homeAddress.city like "%n_s"', "select customer_id from c where city[-3] = 'n' and city[-1] = 's'"],
    ['person.name.firstName like "J_s%"', "select customer_id from c where first_name[1] = 'J' and first_name[3] = 's'"],
  ],
  'startsWith, doesNotStartWith': [
    ['person.name.firstName.startsWith("jos", false)', "select customer_id from c where first_name ilike 'jos%'"],
    ['title.doesNotStartWith("M")', "select customer_id from c where title is not null and left(title, 1) <> 'M'"],
  ],
  'endsWith, doesNotEndWith': [
    [
      'homeAddress.city.endsWith("haven") or person.name.suffix.endsWith("r.")',
      "select customer_id from c where right(city, 5) = 'haven' or suffix like '%r.'",
    ],
    [
      'homeAddress.countryCode = "DE" and homeAddress.city.doesNotEndWith("N", false)',
      "select customer_id from c where country_code = 'DE' and lower(right(city, 1)) <> 'n'",
    ],
  ],
  'contains, doesNotContain': [
    ['title.isNotNull() and homeAddress.city.contains("ü")', "select customer_id from c where title is not null and instr(city, 'ü') > 0"],
    ['title.doesNotContain("r")', "select customer_id from c where title is not null and instr(title, 'r') = 0"],
  ],
  'equals, notEqualTo': [
    ['homeAddress.city.equals("BERLIN", false)', "select customer_id from c where city = 'Berlin'"],
    ['title.notEqualTo("mr.", false)', "select customer_id from c where title <> 'Mr.'"],
  ],
  matches: [
    [
      'person.name.firstName.matches("^[AEIOU].*a$") and not homeOwner',
      "select customer_id from c where first_name[1] in ('A', 'E', 'I', 'O', 'U') and first_name like '%a' and not house_owner",
    ],
    ['contact.phone.matches("^1 \\\\(11\\\\) .*9{2}$")', "select customer_id from c where phone like '1 (11) %99'"],
  ],
  regexGroup: [
    [
      'identityMap.Email.regexGroup("^([a-z]+)(\\\\d+)@", 2) = "24"',
      "select customer_id from c where rtrim(split_part(email, '@', 1), '0123456789') = lower(rtrim(split_part(email, '@', 1), '0123456789')) and substr(split_part(email, '@', 1), length(rtrim(split_part(email, '@', 1), '0123456789')) + 1) = '24'",
    ],
  ],
  'isNull, isNotNull': [
    [
      'person.name.suffix.isNotNull() or title.isNull() and cars = 4',
      'select customer_id from c where suffix is not null or (title is null and cars_owned = 4)',
    ],
    ['colors.early.isNull()', "select customer_id from p group by 1 having min(order_date) >= date '2013-07-01'"],
    ['not homeAddress.isNull() and contact.isNotNull() and person.name.suffix.isNotNull()', 'select customer_id from c where suffix is not null'],
  ],
  arithmetic: [
    ['exists E from xEvent where E.amount * 30 > income', 'select distinct customer_id from p join c using (customer_id) where amount * 30 > yearly_income'],
    ['income / 12 >= 10000 and income % 20000 = 10000', 'select customer_id from c where yearly_income >= 120000 and yearly_income % 20000 = 10000'],
    ['income / children > 100000', 'select customer_id from c where total_children > 0 and yearly_income > 100000 * total_children'],
    ['-children + cars * 2 - 1 = 3', 'select customer_id from c where 2 * cars_owned = total_children + 4'],
  ],
  'count, sum, average, min, max': [
    ['xEvent.sum(amount) > 10000', 'select customer_id from p group by 1 having sum(amount) > 10000'],
    ['xEvent.average(amount) < 20', 'select customer_id from p group by 1 having avg(amount) < 20'],
    ['xEvent.count() = 1 and xEvent.max(amount) >= 2000', 'select customer_id from p group by 1 having count(*) = 1 and sum(amount) >= 2000'],
    ['xEvent.min(timestamp) occurs <= 1 years before now', "select customer_id from p group by 1 having min(order_date) >= date '2013-01-28'"],
    ['orders.sum(total) = spend.values().sum() and orders.average(total) > 3000', 'select customer_id from o group by 1 having avg(total) > 3000'],
    ['orders.min(total) * 10 < orders.max(total)', 'select customer_id from o group by 1 having min(total) * 10 < max(total)'],
  ],
  'sum … over … from': [
    [
      'let S = (sum X.amount over X from xEvent where X.product.category = "Accessories") in (S > 100 and S < 110)',
      "select customer_id from p where category = 'Accessories' group by 1 having sum(amount) > 100 and sum(amount) < 110",
    ],
    ['(max O.total over O from orders where O.lines.count() > 3) > 2000', 'select customer_id from o where size > 3 group by 1 having max(total) > 2000'],
  ],
  'dates: currentMonth, getMonth and their like': [
    [
      'person.birthDate.getMonth() = currentMonth() and person.birthDate.getDayOfMonth() = currentDayOfMonth()',
      "select customer_id from c where strftime(birth_date, '%m-%d') = '01-28'",
    ],
    ['currentYear() - person.birthDate.getYear() = 40', 'select customer_id from c where year(birth_date) = 1974'],
  ],
  'occurs: distance': [
    [
      'firstPurchase occurs <= 3 months before date(2013, 10, 31)',
      "select customer_id from c where first_purchase_date between date '2013-07-31' and date '2013-10-31'",
    ],
    [
      'firstPurchase occurs < 3 months before date(2013, 10, 31)',
      "select customer_id from c where first_purchase_date > date '2013-07-31' and first_purchase_date <= date '2013-10-31'",
    ],
    [
      'exists E from xEvent where E.color = "White" and E.shipDate occurs > 6 days after E.timestamp',
      "select distinct customer_id from p where color = 'White' and ship_date > order_date + 6",
    ],
    ['firstPurchase occurs = 2 weeks before now', "select customer_id from c where first_purchase_date between date '2014-01-13' and date '2014-01-19'"],
    ['firstPurchase occurs >= 3 years before now', "select customer_id from c where first_purchase_date <= date '2011-01-28'"],
  ],
  'occurs: before, after': [
    ['firstPurchase occurs before date(2011, 1, 5)', "select customer_id from c where first_purchase_date < date '2011-01-05'"],
    ['firstPurchase occurs after date(2014, 1, 20)', "select customer_id from c where first_purchase_date >= date '2014-01-21'"],
    ['exists E from xEvent where E.timestamp occurs after last month', "select distinct customer_id from p where order_date >= date '2014-01-01'"],
    ['forall E from xEvent where E.timestamp occurs before this year', "select customer_id from p group by 1 having max(order_date) < date '2014-01-01'"],
  ],
  'occurs: on': [
    ['firstPurchase occurs on date(2013, 12, 31)', "select customer_id from c where first_purchase_date = date '2013-12-31'"],
    ['firstPurchase occurs last week', "select customer_id from c where first_purchase_date >= date '2014-01-20' and first_purchase_date < date '2014-01-27'"],
    ['firstPurchase occurs this week', "select customer_id from c where first_purchase_date >= date '2014-01-27'"],
  ],
  'occurs: between': [
    [
      'firstPurchase occurs between date(2013, 2, 27) and date(2013, 3, 1)',
      "select customer_id from c where first_purchase_date in (date '2013-02-27', date '2013-02-28', date '2013-03-01')",
    ],
    [
      'exists E from xEvent where E.shipDate occurs between last month and yesterday',
      "select distinct customer_id from p where ship_date >= date '2013-12-01' and ship_date <= date '2014-01-27'",
    ],
    [
      'xEvent[shipDate occurs between firstPurchase and date(2013, 6, 30)].count() = 3',
      "select customer_id from p join c using (customer_id) where ship_date >= first_purchase_date and ship_date <= date '2013-06-30' group by 1 having count(*) = 3",
    ],
  ],
  'relative times: units': [
    ['person.birthDate occurs <= 4 decades before now', "select customer_id from c where birth_date >= date '1974-01-28'"],
    ['person.birthDate occurs < 1700 weeks before now', "select customer_id from c where birth_date > date '2014-01-28' - 11900"],
    [
      'person.birthDate occurs last century and firstPurchase occurs this decade and firstPurchase occurs last year',
      'select customer_id from c where year(first_purchase_date) = 2013',
    ],
    [
      'person.birthDate occurs = 10000 days before now or person.birthDate occurs = 300000 hours before now',
      "select customer_id from c where birth_date = date '2014-01-28' - 10000 or birth_date = date '2014-01-28' - 12500",
    ],
  ],
  'now, today': [
    [
      'firstPurchase = today or firstPurchase occurs yesterday',
      "select customer_id from c where first_purchase_date in (date '2014-01-28', date '2014-01-27')",
    ],
    ['exists E from xEvent where E.timestamp = now', "select distinct customer_id from p where order_date = '2014-01-28'"],
  ],
  'filter [] and ^': [
    [
      'orders[lines[price > 2000 and ^.date occurs before date(2012, 1, 1) and ^^.children = 0]]',
      "select distinct customer_id from p join c using (customer_id) where amount > 2000 and order_date < date '2012-01-01' and total_children = 0",
    ],
    [
      'xEvent[product.category = "Bikes" and amount * 20 > ^.income].count() = 2',
      "select customer_id from p join c using (customer_id) where category = 'Bikes' and amount * 20 > yearly_income group by 1 having count(*) = 2",
    ],
  ],
  'exists, several bindings': [
    [
      'exists O from orders where O.total > 2500, L from O.lines where L.category = "Clothing"',
      "select distinct customer_id from p join o using (customer_id) where order_number = number and total > 2500 and category = 'Clothing'",
    ],
    [
      'exists A from xEvent where A.color = "Red", B from xEvent: B.timestamp = A.timestamp and B.orderNumber != A.orderNumber',
      "select distinct a.customer_id from p a join p b using (customer_id, order_date) where a.color = 'Red' and a.order_number <> b.order_number",
    ],
  ],
  forall: [
    [
      'forall E from xEvent where E.product.category != "Clothing"',
      "select customer_id from c where customer_id not in (select customer_id from p where category = 'Clothing')",
    ],
    [
      'forall O from orders: (exists L from O.lines where L.price > 2000)',
      'select customer_id from o group by 1 having bool_and(len(list_filter(lines, lambda x: x.price > 2000)) > 0)',
    ],
  ],
  let: [['let R = (income / 1000) in (R > 90 and R < 110 or R = 130)', 'select customer_id from c where yearly_income in (100000, 130000)']],
  select: [
    ['select E from xEvent where E.color = "White" and E.amount > 8', "select distinct customer_id from p where color = 'White' and amount > 8"],
    ['(select O from orders where O.total < 5).count() >= 2', 'select customer_id from o where total < 5 group by 1 having count(*) >= 2'],
  ],
  inSegment: [
    [
      'inSegment("germans") and not inSegment("bikers")',
      "select customer_id from c where country_code = 'DE' and customer_id not in (select customer_id from p where category = 'Bikes')",
    ],
  ],
  'chain, one step': [
    [
      'not (chain(xEvent, timestamp, [A: WHAT(product.category = "Bikes") WHERE(amount > 1000)])) and children = 5',
      "select customer_id from c where total_children = 5 and customer_id not in (select customer_id from p where category = 'Bikes' and amount > 1000)",
    ],
    [
      'CHAIN(xEvent, timestamp, [C0: WHAT(color = "Red") WHEN(last month)])',
      "select distinct customer_id from p where color = 'Red' and order_date between date '2013-12-01' and date '2013-12-31'",
    ],
  ],
  'chain, COUNT': [
    [
      'chain(xEvent, timestamp, [A: WHAT(product.category = "Accessories") COUNT(5)])',
      "select customer_id from p where category = 'Accessories' group by 1 having count(*) >= 5",
    ],
    [
      'chain(xEvent, timestamp, [A: WHAT(product.category = "Accessories") COUNT(2), B: WHAT(product.category = "Bikes")])',
      "select customer_id from p group by 1 having list_sort(list(order_date) filter (category = 'Accessories'))[2] < max(order_date) filter (category = 'Bikes')",
    ],
  ],
  'chain, ordered steps': [
    [
      'chain(xEvent, timestamp, [A: WHAT(product.category = "Bikes"), B: WHAT(product.category = "Clothing")])',
      "select distinct a.customer_id from p a join p b using (customer_id) where a.category = 'Bikes' and b.category = 'Clothing' and b.order_date > a.order_date",
    ],
    [
      'chain(xEvent, timestamp, [A: WHAT(product.category = "Bikes"), B: WHAT(product.category = "Accessories") WHEN(after date(2013, 3, 31)), C: WHAT(product.category = "Bikes")])',
      `select distinct a.customer_id from p a join p b using (customer_id) join p d using (customer_id)
       where a.category = 'Bikes' and b.category = 'Accessories' and b.order_date >= date '2013-04-01' and d.category = 'Bikes' and b.order_date > a.order_date and d.order_date > b.order_date`,
    ],
  ],
  'WHEN includes its boundary': [
    [
      'homeAddress.countryCode = "DE" and chain(xEvent, timestamp, [A: WHEN(<= 90 days before now)])',
      "select distinct customer_id from p join c using (customer_id) where country_code = 'DE' and order_date >= date '2013-10-30'",
    ],
    [
      'homeAddress.countryCode = "DE" and chain(xEvent, timestamp, [A: WHEN(< 90 days before now)])',
      "select distinct customer_id from p join c using (customer_id) where country_code = 'DE' and order_date > date '2013-10-30'",
    ],
  ],
  'events of the future are not before now': [
    [
      'xEvent[timestamp occurs <= 30 days before now].count() = 2',
      "select customer_id from p where order_date between date '2013-05-31' and date '2013-06-30' group by 1 having count(*) = 2",
      LATE_JUNE,
    ],
    [
      'xEvent[timestamp occurs after now].count() = 0 and children = 4',
      "select customer_id from c where total_children = 4 and customer_id not in (select customer_id from p where order_date > date '2013-06-30')",
      LATE_JUNE,
    ],
  ],
  'months end where they end': [
    [
      'exists E from xEvent where E.timestamp occurs < 1 months before date(2013, 3, 31)',
      "select distinct customer_id from p where order_date > date '2013-02-28' and order_date <= date '2013-03-31'",
    ],
    [
      'exists E from xEvent where E.timestamp occurs <= 1 months before date(2013, 3, 29)',
      "select distinct customer_id from p where order_date >= date '2013-02-28' and order_date <= date '2013-03-29'",
    ],
    ['firstPurchase occurs >= 1 years after date(2012, 2, 29)', "select customer_id from c where first_purchase_date >= date '2013-02-28'"],
  ],
};
