package mapper

// isTime reports whether text is a date or time as GX writes them for observed values and bounds: a date, or a date and a
// time with T or a space between them, with or without fraction and zone. (time.Parse allocates an error for each form
// that it is not.)
func isTime(t []byte) bool {
	if len(t) < 10 || t[4] != '-' || t[7] != '-' || !isDate(t[:10]) {
		return false
	}
	if t = t[10:]; len(t) == 0 {
		return true
	}
	if len(t) < 9 || t[0] != 'T' && t[0] != ' ' || t[3] != ':' || t[6] != ':' || two(t[1:]) > 23 || two(t[4:]) > 59 || two(t[7:]) > 59 {
		return false
	}
	t = t[9:]
	if len(t) > 1 && (t[0] == '.' || t[0] == ',') && digit(t[1]) {
		for t = t[1:]; len(t) > 0 && digit(t[0]); {
			t = t[1:]
		}
	}
	return len(t) == 0 || isZone(t)
}

func isZone(t []byte) bool {
	if len(t) == 1 {
		return t[0] == 'Z'
	}
	return len(t) == 6 && (t[0] == '+' || t[0] == '-') && t[3] == ':' && two(t[1:]) < 24 && two(t[4:]) < 60
}

func isDate(t []byte) bool {
	century, year, month, day := two(t), two(t[2:]), two(t[5:]), two(t[8:])
	if century > 99 || year > 99 || month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if year += 100 * century; month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}

// two is the number that two digits make, 100 if they are none.
func two(t []byte) int {
	if !digit(t[0]) || !digit(t[1]) {
		return 100
	}
	return int(t[0]-'0')*10 + int(t[1]-'0')
}
