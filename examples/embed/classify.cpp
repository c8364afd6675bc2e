// The same in C++, with all rows in one call.
//   netc compile jets.net test_hhy --name jets -o jets.o && c++ classify.cpp jets.o -o classify
#include "jets.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

int main() {
  static const char *const names[JETS_CLASSES] = JETS_CLASS_NAMES;
  std::vector<float> x;
  std::size_t rows = 0;
  for (std::string line; std::getline(std::cin, line); rows++) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream numbers(line);
    for (float number; numbers >> number;) x.push_back(number);
    if (!numbers.eof() || x.size() != (rows + 1) * JETS_INPUT_SIZE) {
      std::cerr << "line " << rows + 1 << ": a row has " << JETS_INPUT_SIZE << " numbers\n";
      return 1;
    }
  }
  std::vector<float> y(rows * JETS_OUTPUT_SIZE);
  jets_batch(rows, x.data(), y.data());
  for (auto at = y.begin(); at != y.end(); at += JETS_OUTPUT_SIZE)
    std::cout << names[std::max_element(at, at + JETS_CLASSES) - at] << '\n';
}
