//! Lists for people.

/// One line for the headers and one for each row, in aligned columns.
#[must_use]
pub fn table<const N: usize>(headers: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut lines = vec![headers.map(str::to_owned)];
    lines.extend(rows);
    let mut widths = [0; N];
    for row in &lines {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = vec![
            ["1".to_owned(), "é".to_owned()],
            ["long one".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["A", "B"], rows),
            "A         B\n1         é\nlong one"
        );
    }
}
