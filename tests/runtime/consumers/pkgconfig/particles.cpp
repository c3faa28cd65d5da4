// Moves particles that are kept as columns.
#include <bursar/batch.h>

#include <cstdio>

namespace {

struct Particle {
  float position = 0;
  float speed = 0;
  int number = 0;
};

}  // namespace

int main() {
  bursar::Batch<&Particle::position, &Particle::speed, &Particle::number> particles;
  for (int number = 0; number < 1000; ++number) particles.push_back({0, static_cast<float>(1000 - number), number});
  const auto speed = particles.column<&Particle::speed>();
  auto position = particles.column<&Particle::position>();
  for (std::size_t index = 0; index < particles.size(); ++index) position[index] += speed[index];
  particles.sort_by<&Particle::position>();
  std::printf("sum %.0f, slowest is number %d\n", static_cast<double>(particles.sum<&Particle::position>()),
              particles[0].get<&Particle::number>());
  return particles[0].get<&Particle::number>() == 999 ? 0 : 1;
}
