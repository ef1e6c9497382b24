"""English words for days and times."""

from cooee.core.parsing.dates.language import Language

ENGLISH = Language(
    months="january jan/february feb/march mar/april apr/may/june jun/july jul/august aug"
    "/september sept sep/october oct/november nov/december dec",
    weekdays="monday mon/tuesday tues tue/wednesday weds wed wednes/thursday thurs thur thu thrs"
    "/friday fri/saturday sat/sunday sun",
    ordinal_endings="st|nd|rd|th",
    words="""
R0: today, tdy
R1: tomorrow, tmrw, tmr, tmw, tmrow, tmrrw, tomoz, tomo
R1: tomoro, tomro, tomorow, tommorow, tommorrow, tomorrrow
R-1: yesterday
R0 Pnight: tonight, tonite
j: now, right now
Pmorning: morning, the morning
Pafternoon: afternoon, arvo
Pevening: evening
Pnight: night, nite
Aam: am
Apm: pm
Knoon: noon, midday, mid day
Kmidnight: midnight
Uminute: minute, min
Uminutes: minutes, mins
Uhour: hour, hr, h
Uhours: hours, hrs
Uday: day
Udays: days, days time
Uweek: week, wk, weeks time
Uweeks: weeks, wks
Ufortnight: fortnight, fortnights time
Ufortnights: fortnights
Umonth: month, months time
Umonths: months
Uyear: year, years time
Uyears: years
a: a, an
n1: one
n2: two
n3: three
n4: four
n5: five
n6: six
n7: seven
n8: eight
n9: nine
n10: ten
n11: eleven
n12: twelve
Xthis: this
Xcoming: coming, this coming
Xnext: next
Xlast: last
!: the last
i: in
F: from, after
B: before
G: ago
H: half
q: quarter, a quarter
>: past
<: to
c: oclock
@: at, @
~: about, around, approx, approximately
&: and
f: for, of
_: on, the, please, pls, plz, thanks, thx, thank you, cheers, ok, okay
y1: first
y2: second
y3: third
y4: fourth
y5: fifth
y6: sixth
y7: seventh
y8: eighth
y9: ninth
y10: tenth
y11: eleventh
y12: twelfth
y13: thirteenth
y14: fourteenth
y15: fifteenth
y16: sixteenth
y17: seventeenth
y18: eighteenth
y19: nineteenth
y20: twentieth
y21: twenty first
y22: twenty second
y23: twenty third
y24: twenty fourth
y25: twenty fifth
y26: twenty sixth
y27: twenty seventh
y28: twenty eighth
y29: twenty ninth
y30: thirtieth
y31: thirty first
""",
)
